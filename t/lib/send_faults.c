
/*
 * For LD_PRELOAD: makes sendmsg() and sendmmsg() fail as kernels and networks
 * do.  SEND_FAULTS says how:
 *
 *     eio, einval     no segmentation offload
 *     again           every third call has no room
 *     partial         sendmmsg() sends but two datagrams
 *     unreach         every tenth call has no route
 *     msgsize         datagrams above 1250 bytes are too long; with offload
 *                     that is EINVAL, as in the kernel
 *
 * Each process that sent something adds a line to the file that SEND_REPORT
 * names: the size of the largest datagram, and those of the socket's buffers.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SEGMENT       103
#define MAX_DATAGRAM  1250


static unsigned     calls;
static size_t       largest;
static int          sndbuf, rcvbuf;
static const char  *wanted;
static const char  *report;


/* nginx's workers have no environment */

__attribute__((constructor)) static void
init(void)
{
    wanted = getenv("SEND_FAULTS");
    report = getenv("SEND_REPORT");

    wanted = wanted ? strdup(wanted) : NULL;
    report = report ? strdup(report) : NULL;
}


__attribute__((destructor)) static void
done(void)
{
    FILE  *f;

    f = (report && largest) ? fopen(report, "a") : NULL;

    if (f) {
        fprintf(f, "%zu %d %d\n", largest, sndbuf, rcvbuf);
        fclose(f);
    }
}


static int
has(const char *fault)
{
    return wanted && strcmp(wanted, fault) == 0;
}


static size_t
segment(const struct msghdr *msg)
{
    unsigned short   size;
    struct cmsghdr  *cmsg;

    for (cmsg = CMSG_FIRSTHDR(msg);
         cmsg;
         cmsg = CMSG_NXTHDR((struct msghdr *) msg, cmsg))
    {
        if (cmsg->cmsg_level == IPPROTO_UDP && cmsg->cmsg_type == SEGMENT) {
            memcpy(&size, CMSG_DATA(cmsg), sizeof(size));
            return size;
        }
    }

    return 0;
}


/* an error number, or 0 to go on */

static int
fault(int fd, const struct msghdr *msg)
{
    size_t     size;
    socklen_t  len;

    if (calls++ == 0) {
        len = sizeof(int);
        getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, &len);
        getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, &len);
    }

    size = segment(msg);

    if (size && has("eio")) {
        return EIO;
    }

    if (size && has("einval")) {
        return EINVAL;
    }

    if (has("again") && calls % 3 == 0) {
        return EAGAIN;
    }

    if (has("unreach") && calls % 10 == 0) {
        return ENETUNREACH;
    }

    if (has("msgsize")) {
        if (size > MAX_DATAGRAM) {
            return EINVAL;
        }

        if (size == 0 && msg->msg_iov[0].iov_len > MAX_DATAGRAM) {
            return EMSGSIZE;
        }
    }

    size = size ? size : msg->msg_iov[0].iov_len;
    largest = size > largest ? size : largest;

    return 0;
}


ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{
    int                err;
    static ssize_t   (*real)(int, const struct msghdr *, int);

    if (real == NULL) {
        real = (ssize_t (*)(int, const struct msghdr *, int))
                   dlsym(RTLD_NEXT, "sendmsg");
    }

    err = (msg->msg_name) ? fault(fd, msg) : 0;

    if (err) {
        errno = err;
        return -1;
    }

    return real(fd, msg, flags);
}


int
sendmmsg(int fd, struct mmsghdr *msgs, unsigned int n, int flags)
{
    int           err;
    static int  (*real)(int, struct mmsghdr *, unsigned int, int);

    if (real == NULL) {
        real = (int (*)(int, struct mmsghdr *, unsigned int, int))
                   dlsym(RTLD_NEXT, "sendmmsg");
    }

    err = fault(fd, &msgs[0].msg_hdr);

    if (err) {
        errno = err;
        return -1;
    }

    if (has("partial") && n > 2) {
        n = 2;
    }

    return real(fd, msgs, n, flags);
}
