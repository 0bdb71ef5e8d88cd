
/*
 *     quiet PORT PATH
 *
 * asks for something that isn't answered, and says "asked"; for each line that
 * it reads then it sends a PING, which it never repeats, and says "acked" or
 * "lost".
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <poll.h>
#include "client.h"


#define QUIET_TURN  100     /* milliseconds: stdin is looked at so often */


static ngx_uint_t
quiet_is_told(client_t *c)
{
    struct pollfd  pfd;

    pfd.fd = STDIN_FILENO;
    pfd.events = POLLIN;

    return poll(&pfd, 1, 0) > 0;
}


int
main(int argc, char **argv)
{
    char            line[16];
    client_t       *c;
    client_conf_t   conf;

    if (argc != 3) {
        fprintf(stderr, "usage: quiet PORT PATH\n");
        return 2;
    }

    ngx_memzero(&conf, sizeof(client_conf_t));
    conf.port = atoi(argv[1]);

    c = client_create(&conf);

    if (c == NULL) {
        return 1;
    }

    /* without streams below it, which would keep the connection */

    c->next_request = 0;

    if (client_connect(c, CLIENT_ESTABLISHED) != NGX_OK
        || client_get(c, argv[2]) != NGX_OK
        || client_ping(c) != NGX_OK)
    {
        fprintf(stderr, "no connection\n");
        return 1;
    }

    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("asked");

    for ( ;; ) {

        while (!quiet_is_told(c)) {
            (void) client_wait(c, quiet_is_told, QUIET_TURN);
        }

        if (fgets(line, sizeof(line), stdin) == NULL) {
            break;
        }

        puts(client_ping(c) == NGX_OK ? "acked" : "lost");
    }

    client_free(c);

    return 0;
}
