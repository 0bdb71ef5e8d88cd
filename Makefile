# Names the steps; the scripts in auto/ take them.  Everything that is built
# goes below build/.
#
#     TLS=boringssl       the TLS library the module carries, or TLS=aws-lc
#     BORINGSSL=/path     a checkout of BoringSSL instead of Debian's package
#     NGINX_SRC=/path     an nginx source tree instead of the installed nginx's
#     DESTDIR=/path       a root for `make install` other than /
#     T=name              one unit test of `make unit`
#     SCENARIO=name       one scenario of `make sim`
#     SEEDS=n SEED=n      how many seeds of each; one of them, with a trace
#     V=1                 shows the commands

export TLS BORINGSSL NGINX_SRC DESTDIR T SCENARIO SEEDS SEED V

MAKEFLAGS += --no-print-directory

.PHONY: all help deps tls install uninstall unit sim sim-report test \
        test-matrix test-long bench bench-memory demo run asan clients clean \
        distclean

all: ## build the module for the installed nginx (or NGINX_SRC)
	@auto/module

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/    make \1 \2/p' Makefile \
	  | awk '{ printf "    %s %-12s", $$1, $$2; $$1 = $$2 = ""; print }'

deps: ## install what the build and the tests need
	@auto/deps build test

tls: ## build the TLS library
	@auto/tls

install: all ## put the module into nginx's module folder, to be loaded
	@auto/install

uninstall: ## take it away again
	@auto/install remove

unit: ## build and run the unit tests, or with T=name one of them
	@auto/unit

sim: ## run the transport against a foreign client in a simulated network
	@auto/sim

sim-report: ## its goodput, next to that of libngtcp2's server
	@auto/sim report

test: ## build everything and run all tests
	@auto/test

test-matrix: ## serve a page with the nginx of other Debian suites
	@auto/matrix

test-long: ## all of these, and what takes longer
	@auto/test long

bench: ## compare its CPU time with that of other servers
	@auto/bench

bench-memory: ## and what connections and requests take of its memory
	@auto/bench memory

demo: ## fetch a page over HTTP/3 from an nginx with the module
	@auto/demo

run: ## the same, and stay until Ctrl-C
	@auto/demo run

asan: ## build nginx and the module with sanitizers, into build/asan
	@auto/asan

clients: ## get the foreign programs that the tests talk to
	@auto/clients

clean: ## remove what was built from this source
	rm -rf build/module build/test build/asan build/matrix \
	       build/bench build/with-* build/*.so

distclean: ## remove all that was fetched and built
	rm -rf build
