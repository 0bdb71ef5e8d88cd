
/*
 * A bad network between a client and a server on loopback: a UDP proxy that
 * delays each datagram, loses some, and may give clients new ports, as a NAT
 * does that has forgotten them.
 *
 *     badnet PORT SERVER_PORT DELAY LOSS REBIND SEED
 *
 * DELAY is that of one way, in ms; LOSS in a thousand, of both ways; every
 * REBIND ms clients get new ports (0: never).  Runs until SIGTERM, and says then
 * what has passed: "passed N, lost N, rebound N".
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define MAX_CLIENTS   64
#define MAX_DATAGRAM  2048
#define QUEUE         65536          /* datagrams on their way: a power of 2 */
#define ROUND         64             /* that are read from a socket at a time */


typedef struct {
    struct sockaddr_in  addr;
    int                 fd;          /* to the server */
    int                 old;         /* the one before; -1: none */
} client_t;


typedef struct {
    uint64_t            due;         /* nanoseconds */
    client_t           *client;
    int                 down;
    size_t              len;
    unsigned char       data[MAX_DATAGRAM];
} datagram_t;


static struct sockaddr_in  server;
static int                 front;
static client_t            clients[MAX_CLIENTS];
static size_t              nclients;
static datagram_t         *queue;
static uint64_t            head, tail;
static uint64_t            delay, loss, rebind, state;
static uint64_t            passed, lost, rebound;
static volatile sig_atomic_t  over;


static void
fail(const char *what)
{
    perror(what);
    exit(1);
}


static void
stop(int signal)
{
    over = 1;
}


static uint64_t
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


static uint64_t
rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return state;
}


static struct sockaddr_in
loopback(int port)
{
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    return sin;
}


static int
udp(void)
{
    int  fd, size;

    fd = socket(AF_INET, SOCK_DGRAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        fail("socket()");
    }

    size = 4 * 1024 * 1024;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));

    return fd;
}


static int
to_server(void)
{
    int  fd;

    fd = udp();

    if (connect(fd, (struct sockaddr *) &server, sizeof(server)) == -1) {
        fail("connect()");
    }

    return fd;
}


static client_t *
find_client(struct sockaddr_in *addr)
{
    size_t     i;
    client_t  *c;

    for (i = 0; i < nclients; i++) {
        c = &clients[i];

        if (c->addr.sin_port == addr->sin_port
            && c->addr.sin_addr.s_addr == addr->sin_addr.s_addr)
        {
            return c;
        }
    }

    if (nclients == MAX_CLIENTS) {
        return NULL;
    }

    c = &clients[nclients++];
    c->addr = *addr;
    c->fd = to_server();
    c->old = -1;

    return c;
}


/* a datagram that was read to the tail of the queue sets out */

static void
set_out(client_t *c, int down, ssize_t len)
{
    datagram_t  *d;

    if (c == NULL || rnd() % 1000 < loss || tail - head == QUEUE - 1) {
        lost++;
        return;
    }

    d = &queue[tail++ % QUEUE];
    d->due = now() + delay;
    d->client = c;
    d->down = down;
    d->len = len;
}


static void
read_clients(void)
{
    int                 i;
    ssize_t             n;
    socklen_t           len;
    struct sockaddr_in  addr;

    for (i = 0; i < ROUND; i++) {
        len = sizeof(addr);
        n = recvfrom(front, queue[tail % QUEUE].data, MAX_DATAGRAM, 0,
                     (struct sockaddr *) &addr, &len);

        if (n == -1) {
            return;
        }

        set_out(find_client(&addr), 0, n);
    }
}


static void
read_server(client_t *c, int fd)
{
    int      i;
    ssize_t  n;

    for (i = 0; i < ROUND; i++) {
        n = recv(fd, queue[tail % QUEUE].data, MAX_DATAGRAM, 0);

        if (n == -1) {
            return;
        }

        set_out(c, 1, n);
    }
}


static void
deliver(void)
{
    datagram_t  *d;

    while (head != tail && queue[head % QUEUE].due <= now()) {
        d = &queue[head++ % QUEUE];

        if (d->down) {
            (void) !sendto(front, d->data, d->len, 0,
                           (struct sockaddr *) &d->client->addr,
                           sizeof(d->client->addr));

        } else {
            (void) !send(d->client->fd, d->data, d->len, 0);
        }

        passed++;
    }
}


/* what the server has sent to the port before still arrives, for a while */

static void
rebind_clients(void)
{
    size_t  i;

    for (i = 0; i < nclients; i++) {

        if (clients[i].old != -1) {
            close(clients[i].old);
        }

        clients[i].old = clients[i].fd;
        clients[i].fd = to_server();
        rebound++;
    }
}


static void
wait_for_something(uint64_t next_rebind)
{
    size_t           i, n;
    uint64_t         t, due;
    struct pollfd    fds[1 + 2 * MAX_CLIENTS];
    struct timespec  ts;

    t = now();
    due = t + 100000000;

    if (head != tail && queue[head % QUEUE].due < due) {
        due = queue[head % QUEUE].due;
    }

    if (rebind && next_rebind < due) {
        due = next_rebind;
    }

    due = due > t ? due - t : 0;
    ts.tv_sec = due / 1000000000;
    ts.tv_nsec = due % 1000000000;

    n = 0;
    fds[n++].fd = front;

    for (i = 0; i < nclients; i++) {
        fds[n++].fd = clients[i].fd;
        fds[n++].fd = clients[i].old;
    }

    for (i = 0; i < n; i++) {
        fds[i].events = POLLIN;
        fds[i].revents = 0;
    }

    if (ppoll(fds, n, &ts, NULL) <= 0) {
        return;
    }

    if (fds[0].revents) {
        read_clients();
    }

    for (i = 1; i < n; i++) {
        if (fds[i].revents) {
            read_server(&clients[(i - 1) / 2], fds[i].fd);
        }
    }
}


int
main(int argc, char **argv)
{
    uint64_t            next_rebind;
    struct sockaddr_in  sin;

    if (argc != 7) {
        fprintf(stderr, "badnet PORT SERVER_PORT DELAY LOSS REBIND SEED\n");
        return 1;
    }

    sin = loopback(atoi(argv[1]));
    server = loopback(atoi(argv[2]));
    delay = strtoull(argv[3], NULL, 10) * 1000000;
    loss = strtoull(argv[4], NULL, 10);
    rebind = strtoull(argv[5], NULL, 10) * 1000000;
    state = strtoull(argv[6], NULL, 10) * 2654435761 + 88172645463325252ULL;

    queue = calloc(QUEUE, sizeof(datagram_t));
    front = udp();

    if (queue == NULL
        || bind(front, (struct sockaddr *) &sin, sizeof(sin)) == -1)
    {
        fail("bind()");
    }

    signal(SIGTERM, stop);

    next_rebind = now() + rebind;

    while (!over) {
        wait_for_something(next_rebind);
        deliver();

        if (rebind && now() >= next_rebind) {
            rebind_clients();
            next_rebind = now() + rebind;
        }
    }

    printf("passed %lu, lost %lu, rebound %lu\n", (unsigned long) passed,
           (unsigned long) lost, (unsigned long) rebound);

    return 0;
}
