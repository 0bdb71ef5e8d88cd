#!/usr/bin/perl

# Modules of third parties, as Debian packages them, beside ours: echo,
# headers-more, Lua and Brotli.

use strict;
use warnings;

use File::Basename qw(dirname);
use lib dirname(__FILE__) . '/lib';

use Test::More;
use Time::HiRes qw(time);

use QuicTest;

my $folder = '/usr/lib/nginx/modules';
my @modules = qw(ndk_http_module ngx_http_lua_module ngx_http_echo_module
                 ngx_http_headers_more_filter_module
                 ngx_http_brotli_filter_module);

for my $so (@modules) {
    -e "$folder/$so.so" or BAIL_OUT("no $folder/$so.so: make test installs it");
}

my $t = QuicTest->new(main => join '', map { "load_module $folder/$_.so;\n" }
                                           @modules);

if ($t->sanitized) {

    # LuaJIT allocates memory where it likes, which is where a sanitizer's is

    plan skip_all => 'the packages are for the nginx that is installed';
}

$t->file('html/file', 'f' x 300_000);

$t->run(<<'EOC');
    lua_package_path "/usr/share/lua/5.1/?.lua;;";

    server {
        listen 127.0.0.1:%%PORT%% quic;
        lua_check_client_abort on;

        # echo

        location = /echo {
            echo "$request_method $server_protocol $http3";
            echo_flush;
            echo_sleep 0.2;
            echo -n "end";
        }

        location = /echo/body {
            echo_read_request_body;
            echo_request_body;
        }

        location = /echo/many {
            echo_duplicate 100000 "0123456789";
        }

        location = /echo/sub {
            echo_location /echo/part a;
            echo_location_async /echo/part b;
        }

        location = /echo/part {
            echo "part $args";
        }

        # headers-more

        location = /headers {
            more_set_input_headers "X-New: $http_x_in changed";
            more_clear_input_headers Accept;
            more_set_headers "X-Out: $http_x_new" "Server: mine";
            more_clear_headers Content-Type;
            echo "$http_x_new$http_accept";
        }

        # Lua

        location = /lua {
            access_by_lua_block {
                if ngx.var.arg_deny then ngx.exit(403) end
            }

            content_by_lua_block {
                ngx.req.read_body()
                ngx.header["X-Lua"] = ngx.var.http3
                ngx.say(ngx.req.get_method(), " ",
                        ngx.req.get_headers()["x-in"] or "-", " ",
                        ngx.req.get_body_data() or "-")
                ngx.flush(true)
                ngx.sleep(0.2)

                local res = ngx.location.capture("/echo/part?lua")
                ngx.print(res.status, " ", res.body)
            }

            header_filter_by_lua_block { ngx.header["X-Filter"] = "yes" }
            body_filter_by_lua_block {
                ngx.arg[1] = string.upper(ngx.arg[1])
            }
        }

        location = /lua/exec {
            rewrite_by_lua_block { return ngx.exec("/file") }
        }

        location = /lua/abort {
            content_by_lua_block {
                ngx.on_abort(function ()
                    ngx.log(ngx.NOTICE, "the client has left")
                    ngx.exit(499)
                end)
                ngx.say("begun")
                ngx.flush(true)
                ngx.sleep(20)
            }
        }

        # Brotli

        location = /file {
            brotli on;
            brotli_types *;
        }

        # a socket that there is none of

        location = /lua/socket {
            content_by_lua_block {
                local sock, err = ngx.req.socket(true)
                ngx.say(sock and "socket" or err)
            }
        }
    }
EOC

my $r = $t->get('/echo');

is($r->{body}, "GET HTTP/3.0 h3\nend", 'echo');

$r = $t->get('/echo/body', method => 'POST', body => 'b' x 50_000);
is($r->{body}, 'b' x 50_000, 'echo_request_body');

is(length $t->get('/echo/many')->{body}, 1_000_000, 'echo_duplicate');
is($t->get('/echo/sub')->{body}, "part a\npart b\n", 'echo_location');

$r = $t->get('/headers', headers => ['X-In: one']);

is($r->{body}, "one changed\n", 'more_set_input_headers');
is($r->{headers}{'x-out'}, 'one changed', 'more_set_headers');
is($r->{headers}{server}, 'mine', 'more_set_headers: Server');
ok(!exists $r->{headers}{'content-type'}, 'more_clear_headers');

$r = $t->get('/lua', method => 'POST', body => 'content',
             headers => ['X-In: in']);

is($r->{body}, "POST IN CONTENT\n200 PART LUA\n", 'Lua: content, filter');
is($r->{headers}{'x-lua'}, 'h3', 'Lua: a header');
is($r->{headers}{'x-filter'}, 'yes', 'Lua: header filter');

is($t->get('/lua?deny=1')->{status}, 403, 'Lua: access');
is(length $t->get('/lua/exec')->{body}, 300_000, 'Lua: ngx.exec');

# gives up a second after it has asked

$t->get('/lua/abort', args => [QuicTest::GIVE_UP]);
ok($t->wait_for(sub {
    return $t->read_file('error.log') =~ /the client has left/;
}), 'Lua: ngx.on_abort');

$r = $t->get('/file', headers => ['Accept-Encoding: br']);
is($r->{headers}{'content-encoding'}, 'br', 'Brotli');
ok(length $r->{body} > 0 && length $r->{body} < 1000, 'it is compressed');

$r = $t->get('/file');
ok(!exists $r->{headers}{'content-encoding'}, 'Brotli: not asked for');
is(length $r->{body}, 300_000, 'it is whole');

# whatever it says, nobody is harmed

my $socket = $t->get('/lua/socket');
note("ngx.req.socket(true): $socket->{status} $socket->{body}");
is($t->get('/echo/part?x')->{body}, "part x\n", 'after ngx.req.socket()');

$t->stop;
$t->no_alerts;

done_testing();
