
/*
 * Datagrams in and out of a listening socket.
 *
 * In: recvmmsg() fetches a batch, and with GRO each of its messages may be a
 * train of datagrams of one client.  Out: sendmsg() sends such a train with
 * GSO; where that doesn't work, sendmmsg() sends its datagrams one by one.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include "nginx/ngx_http_quic_socket.h"
#include "nginx/ngx_http_quic_worker.h"
#include "quic/limits.h"


#ifndef UDP_SEGMENT
#define UDP_SEGMENT  103
#endif

#ifndef UDP_GRO
#define UDP_GRO      104
#endif

#ifndef SOL_UDP
#define SOL_UDP      17
#endif

/* <linux/sock_diag.h> */

#ifndef SO_MEMINFO
#define SO_MEMINFO   55
#endif

#define NGX_HTTP_QUIC_MEMINFO_DROPS  8
#define NGX_HTTP_QUIC_MEMINFO        9


/*
 * A message of the inbox has room for the largest train of GRO.  Memory is
 * taken only where datagrams have been, and those are short without GRO; 16 of
 * them make the system call's share small enough.
 */
#define NGX_HTTP_QUIC_INBOX          16
#define NGX_HTTP_QUIC_INBOX_SIZE     65536

/* batches for each event: others have sockets, too */
#define NGX_HTTP_QUIC_INBOX_ROUNDS   4

/* datagrams for each event from a queue that is shared */
#define NGX_HTTP_QUIC_SHARED_ROUNDS  64

/*
 * ms: when to look again at somebody else's datagram; how long it may stand
 * there before it is clear that nobody else reads; how long that is believed
 */
#define NGX_HTTP_QUIC_RECHECK        1
#define NGX_HTTP_QUIC_PATIENCE       100
#define NGX_HTTP_QUIC_ALONE          1000

#define NGX_HTTP_QUIC_ECN_MASK       0x03

/*
 * Bytes of a socket's buffers, where "listen" says nothing: the system's
 * default is meant for an application with one peer, not for all clients of a
 * worker.  Of 2 MB of small datagrams 20 ms of 1 Gbit/s fit in.
 */
#define NGX_HTTP_QUIC_SOCKET_BUFFER  (2 * 1024 * 1024)

/* seconds between two lines about datagrams that the kernel has dropped */
#define NGX_HTTP_QUIC_DROPS_EVERY    60


typedef union {
    struct cmsghdr           align;
    u_char                   data[CMSG_SPACE(sizeof(struct in6_pktinfo))
                                  + CMSG_SPACE(sizeof(int))
                                  + CMSG_SPACE(sizeof(int))
                                  + CMSG_SPACE(sizeof(uint32_t))];
} ngx_http_quic_control_t;


struct ngx_http_quic_inbox_s {
    struct mmsghdr           msgs[NGX_HTTP_QUIC_INBOX];
    struct iovec             iovs[NGX_HTTP_QUIC_INBOX];
    quic_addr_t              remotes[NGX_HTTP_QUIC_INBOX];
    ngx_http_quic_control_t  controls[NGX_HTTP_QUIC_INBOX];
    u_char                  *data;
};


typedef struct {
    int                      family;
    int                      level;
    int                      name;
    int                      value;
    const char              *text;
} ngx_http_quic_sockopt_t;


static ngx_int_t ngx_http_quic_socket_options(ngx_listening_t *ls,
    ngx_log_t *log);
static void ngx_http_quic_socket_buffers(ngx_listening_t *ls, ngx_log_t *log);
static uint32_t ngx_http_quic_socket_drops(ngx_socket_t fd);
static ngx_int_t ngx_http_quic_socket_connect(ngx_http_quic_socket_t *s,
    ngx_listening_t *ls);

static void ngx_http_quic_socket_core_handler(ngx_event_t *ev);
static void ngx_http_quic_socket_read_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_quic_socket_is_shared(ngx_http_quic_socket_t *s);
static ngx_int_t ngx_http_quic_socket_receive(ngx_http_quic_socket_t *s,
    ngx_socket_t fd, ngx_uint_t n);
static void ngx_http_quic_socket_message(ngx_http_quic_socket_t *s,
    struct msghdr *msg, size_t len, uint64_t now);
static size_t ngx_http_quic_socket_control(ngx_http_quic_socket_t *s,
    struct msghdr *msg, quic_datagram_t *dgram);
static void ngx_http_quic_socket_dropped(ngx_http_quic_socket_t *s,
    uint32_t drops);
static void ngx_http_quic_socket_pktinfo(struct cmsghdr *cmsg,
    quic_addr_t *local);
static void ngx_http_quic_socket_pktinfo6(struct cmsghdr *cmsg,
    quic_addr_t *local);
static ngx_http_quic_listener_t *ngx_http_quic_socket_listener(
    ngx_http_quic_socket_t *s, quic_addr_t *local);

static void ngx_http_quic_socket_read_shared(ngx_http_quic_socket_t *s);
static ngx_int_t ngx_http_quic_socket_peek(ngx_http_quic_socket_t *s);
static ngx_int_t ngx_http_quic_socket_leave(ngx_http_quic_socket_t *s,
    u_char *head, size_t len);
static void ngx_http_quic_socket_recheck(ngx_event_t *ev);

static ngx_int_t ngx_http_quic_socket_send_train(ngx_http_quic_socket_t *s,
    quic_batch_t *batch);
static ngx_int_t ngx_http_quic_socket_send_each(ngx_http_quic_socket_t *s,
    quic_batch_t *batch, ngx_uint_t *sent);
static ngx_uint_t ngx_http_quic_socket_fill(quic_batch_t *batch,
    struct mmsghdr *msgs, struct iovec *iovs,
    ngx_http_quic_control_t *control);
static void ngx_http_quic_socket_header(struct msghdr *msg,
    quic_batch_t *batch, ngx_http_quic_control_t *control);
static void *ngx_http_quic_socket_add_control(struct msghdr *msg, int level,
    int type, size_t len);
static void ngx_http_quic_socket_lost(ngx_http_quic_socket_t *s,
    quic_batch_t *batch, ngx_err_t err);
static ngx_int_t ngx_http_quic_socket_wait(ngx_http_quic_socket_t *s,
    quic_batch_t *batch);
static void ngx_http_quic_socket_write_handler(ngx_event_t *ev);


/*
 * Path MTU discovery is the transport's business: packets are never fragmented
 * and the kernel's idea of the path's MTU, which anybody who can forge an ICMP
 * message can lower, is not used.
 *
 * An IPv6 socket may serve IPv4 as well (ipv6only=off): IPv4's options of it
 * are for those clients.
 */

static const ngx_http_quic_sockopt_t  ngx_http_quic_sockopts[] = {

#define ngx_http_quic_sockopt(family, level, name, value)                     \
    { family, level, name, value, #name }

    ngx_http_quic_sockopt(AF_INET, IPPROTO_IP, IP_PKTINFO, 1),
    ngx_http_quic_sockopt(AF_INET6, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1),

    ngx_http_quic_sockopt(0, IPPROTO_IP, IP_RECVTOS, 1),
    ngx_http_quic_sockopt(AF_INET6, IPPROTO_IPV6, IPV6_RECVTCLASS, 1),

    ngx_http_quic_sockopt(0, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE),
    ngx_http_quic_sockopt(AF_INET6, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                          IPV6_PMTUDISC_PROBE),

    ngx_http_quic_sockopt(0, SOL_UDP, UDP_GRO, 1),
    ngx_http_quic_sockopt(0, SOL_SOCKET, SO_RXQ_OVFL, 1)
};


ngx_http_quic_inbox_t *
ngx_http_quic_inbox_create(ngx_log_t *log)
{
    ngx_uint_t              i;
    struct msghdr          *msg;
    ngx_http_quic_inbox_t  *inbox;

    inbox = ngx_calloc(sizeof(ngx_http_quic_inbox_t), log);
    if (inbox == NULL) {
        return NULL;
    }

    inbox->data = ngx_alloc(NGX_HTTP_QUIC_INBOX * NGX_HTTP_QUIC_INBOX_SIZE,
                            log);
    if (inbox->data == NULL) {
        ngx_free(inbox);
        return NULL;
    }

    for (i = 0; i < NGX_HTTP_QUIC_INBOX; i++) {
        inbox->iovs[i].iov_base = inbox->data + i * NGX_HTTP_QUIC_INBOX_SIZE;
        inbox->iovs[i].iov_len = NGX_HTTP_QUIC_INBOX_SIZE;

        msg = &inbox->msgs[i].msg_hdr;
        msg->msg_name = &inbox->remotes[i];
        msg->msg_iov = &inbox->iovs[i];
        msg->msg_iovlen = 1;
        msg->msg_control = &inbox->controls[i];
    }

    return inbox;
}


void
ngx_http_quic_inbox_free(ngx_http_quic_inbox_t *inbox)
{
    ngx_free(inbox->data);
    ngx_free(inbox);
}


ngx_int_t
ngx_http_quic_socket_open(ngx_http_quic_socket_t *s,
    ngx_http_quic_worker_t *worker, ngx_listening_t *ls)
{
    s->worker = worker;
    s->bound = ls->servers;
    s->log = &ls->log;

    s->recheck.handler = ngx_http_quic_socket_recheck;
    s->recheck.data = s;
    s->recheck.log = s->log;
    s->recheck.cancelable = 1;

    if (ngx_http_quic_socket_options(ls, s->log) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_quic_socket_buffers(ls, s->log);

    s->drops = ngx_http_quic_socket_drops(ls->fd);

    return ngx_http_quic_socket_connect(s, ls);
}


/* without the address that a datagram came to there is no answering it */

static ngx_int_t
ngx_http_quic_socket_options(ngx_listening_t *ls, ngx_log_t *log)
{
    ngx_err_t                       err;
    ngx_uint_t                      i, needed, level;
    const ngx_http_quic_sockopt_t  *opt;

    for (i = 0;
         i < sizeof(ngx_http_quic_sockopts) / sizeof(ngx_http_quic_sockopt_t);
         i++)
    {
        opt = &ngx_http_quic_sockopts[i];

        if (opt->family && opt->family != ls->sockaddr->sa_family) {
            continue;
        }

        if (setsockopt(ls->fd, opt->level, opt->name, &opt->value, sizeof(int))
            == 0)
        {
            continue;
        }

        err = ngx_socket_errno;
        needed = (opt->name == IP_PKTINFO || opt->name == IPV6_RECVPKTINFO);
        level = needed ? NGX_LOG_EMERG : NGX_LOG_NOTICE;

        ngx_log_error(level, log, err, "setsockopt(%s) %V failed%s",
                      opt->text, &ls->addr_text, needed ? "" : ", ignored");

        if (needed) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * What the operator has set stands; else they are raised as far as the system
 * allows (net.core.rmem_max, wmem_max).  The kernel tells twice what was asked
 * for, as it counts its own structures as well.
 */

static void
ngx_http_quic_socket_buffers(ngx_listening_t *ls, ngx_log_t *log)
{
    int         value;
    ngx_uint_t  i;
    socklen_t   len;

    struct {
        int          given;
        int          name;
        const char  *text;
    } buffers[] = {
        { ls->rcvbuf, SO_RCVBUF, "SO_RCVBUF" },
        { ls->sndbuf, SO_SNDBUF, "SO_SNDBUF" }
    };

    for (i = 0; i < 2; i++) {
        len = sizeof(int);

        if (buffers[i].given != -1
            || getsockopt(ls->fd, SOL_SOCKET, buffers[i].name, &value, &len)
               != 0
            || value >= 2 * NGX_HTTP_QUIC_SOCKET_BUFFER)
        {
            continue;
        }

        value = NGX_HTTP_QUIC_SOCKET_BUFFER;

        if (setsockopt(ls->fd, SOL_SOCKET, buffers[i].name, &value,
                       sizeof(int))
            != 0)
        {
            ngx_log_error(NGX_LOG_NOTICE, log, ngx_socket_errno,
                          "setsockopt(%s) %V failed, ignored",
                          buffers[i].text, &ls->addr_text);
        }
    }
}


/* a socket that was here before us may have lost some already */

static uint32_t
ngx_http_quic_socket_drops(ngx_socket_t fd)
{
    uint32_t   info[NGX_HTTP_QUIC_MEMINFO];
    socklen_t  len;

    len = sizeof(info);

    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0
        || len < sizeof(info))
    {
        return 0;
    }

    return info[NGX_HTTP_QUIC_MEMINFO_DROPS];
}


/*
 * The duplicate has its own entry in epoll, so that our reading and our
 * waiting for room to write are no concern of the core's, which closes the
 * listening socket while connections are still to be served.  It is "idle":
 * the core calls its read handler when the worker is told to quit.
 */

static ngx_int_t
ngx_http_quic_socket_connect(ngx_http_quic_socket_t *s, ngx_listening_t *ls)
{
    ngx_socket_t       fd;
    ngx_connection_t  *c;

    fd = fcntl(ls->fd, F_DUPFD_CLOEXEC, 0);

    if (fd == (ngx_socket_t) -1) {
        ngx_log_error(NGX_LOG_EMERG, s->log, ngx_socket_errno,
                      "fcntl(F_DUPFD_CLOEXEC) %V failed", &ls->addr_text);
        return NGX_ERROR;
    }

    c = ngx_get_connection(fd, s->log);

    if (c == NULL) {
        (void) ngx_close_socket(fd);
        return NGX_ERROR;
    }

    c->type = SOCK_DGRAM;
    c->data = s;
    c->idle = 1;
    c->listening = ls;

    c->read->handler = ngx_http_quic_socket_read_handler;
    c->read->log = s->log;
    c->write->handler = ngx_http_quic_socket_write_handler;
    c->write->log = s->log;

    s->connection = c;

    if (ls->connection) {
        ls->connection->read->handler = ngx_http_quic_socket_core_handler;
        ngx_http_quic_socket_core_handler(ls->connection->read);
    }

    return ngx_add_event(c->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
}


/*
 * The core has added the listening socket's own event, and does so again when
 * it has run out of descriptors and goes on accepting.
 */

static void
ngx_http_quic_socket_core_handler(ngx_event_t *ev)
{
    if (ev->active) {
        ngx_del_event(ev, NGX_READ_EVENT, 0);
    }
}


/*
 * epoll drops a descriptor by itself only when its last duplicate is closed,
 * and the listening socket has more of them, here and in other processes.
 */

void
ngx_http_quic_socket_close(ngx_http_quic_socket_t *s)
{
    ngx_connection_t  *c;

    c = s->connection;

    if (c == NULL) {
        return;
    }

    s->connection = NULL;

    if (s->recheck.timer_set) {
        ngx_del_timer(&s->recheck);
    }

    if (c->read->active) {
        ngx_del_event(c->read, NGX_READ_EVENT, 0);
    }

    if (c->write->active) {
        ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
    }

    ngx_close_connection(c);
}


/*
 * Events are level-triggered: what the bound leaves is fetched in the next
 * iteration of the event loop, after the answers to this part have been sent.
 */

static void
ngx_http_quic_socket_read_handler(ngx_event_t *ev)
{
    ngx_uint_t               i, error;
    ngx_connection_t        *c;
    ngx_http_quic_socket_t  *s;

    c = ev->data;
    s = c->data;

    if (c->close) {
        error = c->error;
        c->close = 0;
        c->error = 0;
        c->idle = 0;
        ngx_http_quic_worker_shutdown(s->worker, error);
        return;
    }

    for (i = 0; i < NGX_HTTP_QUIC_INBOX_ROUNDS; i++) {

        if (ngx_http_quic_socket_is_shared(s)) {
            ngx_http_quic_socket_read_shared(s);
            return;
        }

        if (ngx_http_quic_socket_receive(s, c->fd, NGX_HTTP_QUIC_INBOX)
            != NGX_OK)
        {
            return;
        }
    }
}


/*
 * While old workers live that haven't been heard of for a while, datagrams are
 * read in batches again, but not without a look at the first: what a client of
 * theirs says after a silence stands alone most often, and isn't to be lost.
 */

static ngx_uint_t
ngx_http_quic_socket_is_shared(ngx_http_quic_socket_t *s)
{
    return ngx_http_quic_worker_shares(s->worker)
           || (s->worker->nelders
               && ngx_http_quic_socket_peek(s) == NGX_DECLINED);
}


/*
 * Up to "n" messages.  NGX_OK when there may be more, NGX_AGAIN when there
 * aren't.
 */

static ngx_int_t
ngx_http_quic_socket_receive(ngx_http_quic_socket_t *s, ngx_socket_t fd,
    ngx_uint_t n)
{
    int                     i, received;
    uint64_t                now;
    ngx_err_t               err;
    struct msghdr          *msg;
    ngx_http_quic_inbox_t  *inbox;

    inbox = s->worker->inbox;

    for (i = 0; i < (int) n; i++) {
        msg = &inbox->msgs[i].msg_hdr;
        msg->msg_namelen = sizeof(quic_addr_t);
        msg->msg_controllen = sizeof(ngx_http_quic_control_t);
    }

    received = recvmmsg(fd, inbox->msgs, n, 0, NULL);

    if (received == -1) {
        err = ngx_socket_errno;

        if (err == NGX_EINTR) {
            return NGX_OK;
        }

        if (err != NGX_EAGAIN) {
            ngx_log_error(NGX_LOG_ALERT, s->log, err, "recvmmsg() failed");
        }

        return NGX_AGAIN;
    }

    now = ngx_http_quic_now();

    for (i = 0; i < received; i++) {
        ngx_http_quic_socket_message(s, &inbox->msgs[i].msg_hdr,
                                     inbox->msgs[i].msg_len, now);
    }

    return (received == (int) n) ? NGX_OK : NGX_AGAIN;
}


/* a message is one datagram, or a train of them, all but the last of a size */

static void
ngx_http_quic_socket_message(ngx_http_quic_socket_t *s, struct msghdr *msg,
    size_t len, uint64_t now)
{
    u_char                    *p;
    size_t                     segment;
    quic_datagram_t            dgram;
    ngx_http_quic_listener_t  *listener;

    ngx_memzero(&dgram, sizeof(quic_datagram_t));

    segment = ngx_http_quic_socket_control(s, msg, &dgram);

    if (dgram.local.sa.sa_family == 0 || (msg->msg_flags & MSG_TRUNC)) {
        return;
    }

    listener = ngx_http_quic_socket_listener(s, &dgram.local);
    dgram.socket = listener;
    dgram.remote = *(quic_addr_t *) msg->msg_name;

    if (segment == 0) {
        segment = len;
    }

    for (p = msg->msg_iov->iov_base; len; p += dgram.len, len -= dgram.len) {
        dgram.data = p;
        dgram.len = ngx_min(len, segment);

        ngx_http_quic_worker_receive(s->worker, &dgram, now);
    }
}


/* fills the local address, without its port, and ECN; returns GRO's size */

static size_t
ngx_http_quic_socket_control(ngx_http_quic_socket_t *s, struct msghdr *msg,
    quic_datagram_t *dgram)
{
    int              n;
    uint32_t         drops;
    size_t           segment;
    struct cmsghdr  *cmsg;

    segment = 0;

    for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {

        if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
            ngx_http_quic_socket_pktinfo(cmsg, &dgram->local);

        } else if (cmsg->cmsg_level == IPPROTO_IPV6
                   && cmsg->cmsg_type == IPV6_PKTINFO)
        {
            ngx_http_quic_socket_pktinfo6(cmsg, &dgram->local);

        } else if (cmsg->cmsg_level == IPPROTO_IP
                   && cmsg->cmsg_type == IP_TOS)
        {
            dgram->ecn = *CMSG_DATA(cmsg) & NGX_HTTP_QUIC_ECN_MASK;

        } else if (cmsg->cmsg_level == IPPROTO_IPV6
                   && cmsg->cmsg_type == IPV6_TCLASS)
        {
            ngx_memcpy(&n, CMSG_DATA(cmsg), sizeof(int));
            dgram->ecn = n & NGX_HTTP_QUIC_ECN_MASK;

        } else if (cmsg->cmsg_level == SOL_UDP
                   && cmsg->cmsg_type == UDP_GRO)
        {
            ngx_memcpy(&n, CMSG_DATA(cmsg), sizeof(int));
            segment = n;

        } else if (cmsg->cmsg_level == SOL_SOCKET
                   && cmsg->cmsg_type == SO_RXQ_OVFL)
        {
            ngx_memcpy(&drops, CMSG_DATA(cmsg), sizeof(uint32_t));
            ngx_http_quic_socket_dropped(s, drops);
        }
    }

    return segment;
}


/*
 * The counter is that of the time when the datagram was queued; it comes with
 * every one once it isn't 0, and may wrap.
 */

static void
ngx_http_quic_socket_dropped(ngx_http_quic_socket_t *s, uint32_t drops)
{
    int        size;
    socklen_t  len;

    if ((int32_t) (drops - s->drops) <= 0
        || (s->drops_said
            && ngx_time() - s->drops_said < NGX_HTTP_QUIC_DROPS_EVERY))
    {
        return;
    }

    size = 0;
    len = sizeof(int);
    (void) getsockopt(s->connection->fd, SOL_SOCKET, SO_RCVBUF, &size, &len);

    ngx_log_error(NGX_LOG_WARN, s->log, 0,
                  "%uD datagrams to %V were dropped, as its receive buffer "
                  "of %d bytes was full: a larger one takes \"rcvbuf=\" of "
                  "\"listen\" and the sysctl net.core.rmem_max",
                  drops - s->drops, &s->connection->listening->addr_text,
                  size / 2);

    s->drops = drops;
    s->drops_said = ngx_time();
}


static void
ngx_http_quic_socket_pktinfo(struct cmsghdr *cmsg, quic_addr_t *local)
{
    struct in_pktinfo  info;

    ngx_memcpy(&info, CMSG_DATA(cmsg), sizeof(struct in_pktinfo));

    local->sin.sin_family = AF_INET;
    local->sin.sin_addr = info.ipi_addr;
}


/* only a link-local address needs the interface to be complete */

static void
ngx_http_quic_socket_pktinfo6(struct cmsghdr *cmsg, quic_addr_t *local)
{
    struct in6_pktinfo  info;

    ngx_memcpy(&info, CMSG_DATA(cmsg), sizeof(struct in6_pktinfo));

    local->sin6.sin6_family = AF_INET6;
    local->sin6.sin6_addr = info.ipi6_addr;

    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
        local->sin6.sin6_scope_id = info.ipi6_ifindex;
    }
}


/*
 * Of the addresses that are served by this socket.  All have its port, which
 * the kernel doesn't tell us.
 */

static ngx_http_quic_listener_t *
ngx_http_quic_socket_listener(ngx_http_quic_socket_t *s, quic_addr_t *local)
{
    ngx_uint_t                  i, last;
    ngx_http_quic_listener_t  **listener;

    listener = s->bound->listeners.elts;
    last = s->bound->listeners.nelts - 1;

    ngx_inet_set_port(&local->sa,
                      ngx_inet_get_port(listener[last]->sockaddr));

    for (i = 0; i < last; i++) {
        if (ngx_cmp_sockaddr(listener[i]->sockaddr, listener[i]->socklen,
                             &local->sa, quic_addr_len(local), 0)
            == NGX_OK)
        {
            break;
        }
    }

    return listener[i];
}


/*
 * After a reload an old worker and a new one have the same socket, and both
 * get every event.  So each looks at the next datagram before it takes it, and
 * leaves it if it is for the other, who will see it now or a moment later.
 *
 * There may be no other: with fewer worker_processes, or without an address
 * that was there before, an old worker's socket has no new one.  Then what is
 * not ours is dropped, or ours would never come to the head of the queue.
 */

static void
ngx_http_quic_socket_read_shared(ngx_http_quic_socket_t *s)
{
    ngx_uint_t    i;
    ngx_event_t  *rev;

    rev = s->connection->read;

    for (i = 0; i < NGX_HTTP_QUIC_SHARED_ROUNDS; i++) {

        switch (ngx_http_quic_socket_peek(s)) {

        case NGX_OK:
            (void) ngx_http_quic_socket_receive(s, s->connection->fd, 1);
            break;

        case NGX_DECLINED:
            /* the event stays true until the other one has read */
            ngx_del_event(rev, NGX_READ_EVENT, 0);
            ngx_add_timer(&s->recheck, NGX_HTTP_QUIC_RECHECK);
            return;

        default: /* NGX_AGAIN */
            return;
        }
    }
}


/*
 * What about the next datagram?  NGX_OK: take it; NGX_DECLINED: leave it;
 * NGX_AGAIN: there is none.
 */

static ngx_int_t
ngx_http_quic_socket_peek(ngx_http_quic_socket_t *s)
{
    ssize_t  n;
    u_char   head[NGX_HTTP_QUIC_HEAD_LEN];

    n = recv(s->connection->fd, head, NGX_HTTP_QUIC_HEAD_LEN, MSG_PEEK);

    if (n < 0) {
        return NGX_AGAIN;
    }

    if (ngx_http_quic_worker_takes(s->worker, head, n)) {
        return NGX_OK;
    }

    return ngx_http_quic_socket_leave(s, head, n);
}


static ngx_int_t
ngx_http_quic_socket_leave(ngx_http_quic_socket_t *s, u_char *head, size_t len)
{
    ngx_msec_t  now;

    now = ngx_current_msec;

    if (s->is_alone && (ngx_msec_int_t) (s->alone - now) > 0) {
        return NGX_OK;
    }

    s->is_alone = 0;

    if (len != s->head_len || ngx_memcmp(head, s->head, len) != 0) {
        ngx_memcpy(s->head, head, len);
        s->head_len = len;
        s->head_seen = now;
        return NGX_DECLINED;
    }

    if (now - s->head_seen < NGX_HTTP_QUIC_PATIENCE) {
        return NGX_DECLINED;
    }

    s->is_alone = 1;
    s->alone = now + NGX_HTTP_QUIC_ALONE;

    return NGX_OK;
}


static void
ngx_http_quic_socket_recheck(ngx_event_t *ev)
{
    ngx_event_t             *rev;
    ngx_http_quic_socket_t  *s;

    s = ev->data;
    rev = s->connection->read;

    if (ngx_add_event(rev, NGX_READ_EVENT, NGX_LEVEL_EVENT) == NGX_OK) {
        ngx_http_quic_socket_read_handler(rev);
    }
}


ngx_int_t
ngx_http_quic_socket_send(ngx_http_quic_socket_t *s, quic_batch_t *batch,
    ngx_uint_t gso)
{
    ngx_int_t   rc;
    ngx_uint_t  sent, train;

    if (s->connection == NULL) {
        /* closed with the last connection */
        return NGX_OK;
    }

    train = (gso && !s->no_gso && batch->len > batch->segment);

    if (train) {
        rc = ngx_http_quic_socket_send_train(s, batch);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    sent = 0;
    rc = ngx_http_quic_socket_send_each(s, batch, &sent);

    /*
     * Datagrams that are too long for the interface are refused either way,
     * but with GSO by the same error as GSO itself.
     */

    if (train && sent) {
        s->no_gso = 1;

        ngx_log_error(NGX_LOG_WARN, s->log, 0,
                      "QUIC goes on without segmentation offload (GSO) "
                      "on %V", &s->connection->listening->addr_text);
    }

    return rc;
}


/* NGX_OK, NGX_AGAIN, or NGX_DECLINED when GSO doesn't do */

static ngx_int_t
ngx_http_quic_socket_send_train(ngx_http_quic_socket_t *s,
    quic_batch_t *batch)
{
    uint16_t                 segment;
    ngx_err_t                err;
    struct iovec             iov;
    struct msghdr            msg;
    ngx_http_quic_control_t  control;

    ngx_http_quic_socket_header(&msg, batch, &control);

    segment = (uint16_t) batch->segment;
    ngx_memcpy(ngx_http_quic_socket_add_control(&msg, SOL_UDP, UDP_SEGMENT,
                                                sizeof(uint16_t)),
               &segment, sizeof(uint16_t));

    iov.iov_base = batch->data;
    iov.iov_len = batch->len;
    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;

    while (sendmsg(s->connection->fd, &msg, 0) == -1) {
        err = ngx_socket_errno;

        switch (err) {

        case NGX_EINTR:
            continue;

        case NGX_EAGAIN:
            return ngx_http_quic_socket_wait(s, batch);

        case NGX_EINVAL:
        case EIO:
            return NGX_DECLINED;

        default:
            ngx_http_quic_socket_lost(s, batch, err);
            return NGX_OK;
        }
    }

    return NGX_OK;
}


/* "*sent" counts the datagrams that have gone */

static ngx_int_t
ngx_http_quic_socket_send_each(ngx_http_quic_socket_t *s, quic_batch_t *batch,
    ngx_uint_t *sent)
{
    int                      n;
    size_t                   len;
    ngx_err_t                err;
    ngx_uint_t               count;
    struct iovec             iovs[QUIC_MAX_BATCH_SEGMENTS];
    struct mmsghdr           msgs[QUIC_MAX_BATCH_SEGMENTS];
    ngx_http_quic_control_t  control;

    while (batch->len) {

        count = ngx_http_quic_socket_fill(batch, msgs, iovs, &control);

        n = sendmmsg(s->connection->fd, msgs, count, 0);

        if (n == -1) {
            err = ngx_socket_errno;

            if (err == NGX_EINTR) {
                continue;
            }

            if (err == NGX_EAGAIN) {
                return ngx_http_quic_socket_wait(s, batch);
            }

            ngx_http_quic_socket_lost(s, batch, err);
            return NGX_OK;
        }

        *sent += n;
        len = ngx_min(n * batch->segment, batch->len);
        batch->data += len;
        batch->len -= len;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_quic_socket_fill(quic_batch_t *batch, struct mmsghdr *msgs,
    struct iovec *iovs, ngx_http_quic_control_t *control)
{
    u_char         *p;
    size_t          left;
    ngx_uint_t      n;
    struct msghdr   msg;

    ngx_http_quic_socket_header(&msg, batch, control);

    p = batch->data;
    left = batch->len;

    for (n = 0; left && n < QUIC_MAX_BATCH_SEGMENTS; n++) {
        iovs[n].iov_base = p;
        iovs[n].iov_len = ngx_min(left, batch->segment);

        msgs[n].msg_hdr = msg;
        msgs[n].msg_hdr.msg_iov = &iovs[n];
        msgs[n].msg_hdr.msg_iovlen = 1;

        p += iovs[n].iov_len;
        left -= iovs[n].iov_len;
    }

    return n;
}


/*
 * Destination, source and ECN.  An IPv6 socket sends to an IPv4 client with
 * IPv6's packet info, but with IPv4's TOS.
 */

static void
ngx_http_quic_socket_header(struct msghdr *msg, quic_batch_t *batch,
    ngx_http_quic_control_t *control)
{
    int                  tos;
    ngx_uint_t           v4;
    const quic_addr_t   *local;
    struct in_pktinfo    info;
    struct in6_pktinfo   info6;

    ngx_memzero(msg, sizeof(struct msghdr));
    ngx_memzero(control, sizeof(ngx_http_quic_control_t));

    local = batch->local;

    msg->msg_name = (void *) batch->remote;
    msg->msg_namelen = quic_addr_len(batch->remote);
    msg->msg_control = control;

    if (local->sa.sa_family == AF_INET6) {
        v4 = IN6_IS_ADDR_V4MAPPED(&local->sin6.sin6_addr);

        ngx_memzero(&info6, sizeof(struct in6_pktinfo));
        info6.ipi6_addr = local->sin6.sin6_addr;
        info6.ipi6_ifindex = local->sin6.sin6_scope_id;

        ngx_memcpy(ngx_http_quic_socket_add_control(msg, IPPROTO_IPV6,
                                                    IPV6_PKTINFO,
                                                    sizeof(info6)),
                   &info6, sizeof(info6));

    } else {
        v4 = 1;

        ngx_memzero(&info, sizeof(struct in_pktinfo));
        info.ipi_spec_dst = local->sin.sin_addr;

        ngx_memcpy(ngx_http_quic_socket_add_control(msg, IPPROTO_IP,
                                                    IP_PKTINFO, sizeof(info)),
                   &info, sizeof(info));
    }

    if (batch->ecn) {
        tos = (int) batch->ecn;

        ngx_memcpy(ngx_http_quic_socket_add_control(msg,
                                            v4 ? IPPROTO_IP : IPPROTO_IPV6,
                                            v4 ? IP_TOS : IPV6_TCLASS,
                                            sizeof(int)),
                   &tos, sizeof(int));
    }
}


/* ngx_http_quic_control_t has room for all that is added */

static void *
ngx_http_quic_socket_add_control(struct msghdr *msg, int level, int type,
    size_t len)
{
    struct cmsghdr  *cmsg;

    cmsg = (struct cmsghdr *) ((u_char *) msg->msg_control
                               + msg->msg_controllen);

    cmsg->cmsg_level = level;
    cmsg->cmsg_type = type;
    cmsg->cmsg_len = CMSG_LEN(len);

    msg->msg_controllen += CMSG_SPACE(len);

    return CMSG_DATA(cmsg);
}


/*
 * To the transport it is as if the network had dropped them, unless our own
 * interface has said that they are too long.
 */

static void
ngx_http_quic_socket_lost(ngx_http_quic_socket_t *s, quic_batch_t *batch,
    ngx_err_t err)
{
    size_t  n;
    u_char  text[NGX_SOCKADDR_STRLEN];

    if (err == EMSGSIZE && batch->conn) {
        ngx_log_debug1(NGX_LOG_DEBUG_HTTP, s->log, err,
                       "quic datagrams of %uz are too long", batch->segment);

        quic_endpoint_too_large(batch, ngx_http_quic_now());
        batch->len = 0;
        return;
    }

    n = ngx_sock_ntop((struct sockaddr *) &batch->remote->sa,
                      quic_addr_len(batch->remote), text,
                      NGX_SOCKADDR_STRLEN, 1);

    ngx_log_error(NGX_LOG_INFO, s->log, err,
                  "sending %uz bytes in datagrams of %uz to %*s failed",
                  batch->len, batch->segment, n, text);

    batch->len = 0;
}


static ngx_int_t
ngx_http_quic_socket_wait(ngx_http_quic_socket_t *s, quic_batch_t *batch)
{
    ngx_event_t  *wev;

    wev = s->connection->write;

    if (!wev->active
        && ngx_add_event(wev, NGX_WRITE_EVENT, NGX_LEVEL_EVENT) != NGX_OK)
    {
        batch->len = 0;
        return NGX_OK;
    }

    return NGX_AGAIN;
}


static void
ngx_http_quic_socket_write_handler(ngx_event_t *ev)
{
    ngx_connection_t        *c;
    ngx_http_quic_socket_t  *s;

    c = ev->data;
    s = c->data;

    ngx_del_event(ev, NGX_WRITE_EVENT, 0);

    ngx_http_quic_worker_writable(s->worker);
}
