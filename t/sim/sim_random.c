
/*
 * Chance, all from the seed.  That of the two TLS libraries as well: their
 * source is the kernel, and what they ask it is answered here, as are their
 * questions for the time of day.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <stdarg.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <openssl/base.h>
#if defined(OPENSSL_IS_AWSLC)
#include <openssl/ctrdrbg.h>
#endif
#include "sim.h"


long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);


static uint64_t  sim_random_state[SIM_RANDOMS];


/* SplitMix64: Steele, Lea, Flood: Fast Splittable Pseudorandom Generators */

static uint64_t
sim_random_next(uint64_t *state)
{
    uint64_t  z;

    z = (*state += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;

    return z ^ (z >> 31);
}


void
sim_random_init(void)
{
    uint64_t     state;
    ngx_uint_t   i;
    const char  *p;

    state = sim.seed;

    for (p = sim.scenario->plain ? "" : sim.scenario->name; *p; p++) {
        state = sim_random_next(&state) ^ (u_char) *p;
    }

    for (i = 0; i < SIM_RANDOMS; i++) {
        sim_random_state[i] = sim_random_next(&state);
    }
}


uint64_t
sim_random(sim_random_e which)
{
    return sim_random_next(&sim_random_state[which]);
}


void
sim_random_bytes(sim_random_e which, u_char *buf, size_t len)
{
    size_t    n;
    uint64_t  value;

    for ( /* void */ ; len; buf += n, len -= n) {
        value = sim_random(which);
        n = ngx_min(len, sizeof(value));
        ngx_memcpy(buf, &value, n);
    }
}


uint64_t
sim_random_between(sim_random_e which, uint64_t min, uint64_t max)
{
    return min + sim_random(which) % (max - min + 1);
}


ngx_uint_t
sim_chance(sim_random_e which, double p)
{
    /* one draw in any case, so that a probability may be tuned */

    return (sim_random(which) >> 11) * 0x1p-53 < p;
}


/* GnuTLS's: a shared library finds these here before the C library's */

ssize_t
getrandom(void *buf, size_t len, unsigned int flags)
{
    sim_random_bytes(SIM_RANDOM_LIBRARY, buf, len);

    return len;
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    ts->tv_sec = 1700000000 + sim.now / SIM_SEC;
    ts->tv_nsec = sim.now % SIM_SEC * 1000;

    return 0;
}


time_t
time(time_t *t)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    if (t) {
        *t = ts.tv_sec;
    }

    return ts.tv_sec;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    tv->tv_sec = time(NULL);
    tv->tv_usec = sim.now % SIM_SEC;

    return 0;
}


/* BoringSSL's: the linker is told to wrap its system call */

long
__wrap_syscall(long number, ...)
{
    long        a[6];
    va_list     args;
    ngx_uint_t  i;

    va_start(args, number);

    for (i = 0; i < 6; i++) {
        a[i] = va_arg(args, long);
    }

    va_end(args);

    if (number == SYS_getrandom) {
        return getrandom((void *) a[0], a[1], a[2]);
    }

    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}


#if defined(OPENSSL_IS_AWSLC)

/*
 * AWS-LC measures the processor's jitter, and has a hook for its own tests,
 * which no header of those that it installs shows.
 */

struct entropy_source_t;

struct entropy_source_methods {
    int   (*initialize)(struct entropy_source_t *source);
    void  (*zeroize_thread)(struct entropy_source_t *source);
    void  (*free_thread)(struct entropy_source_t *source);
    int   (*get_seed)(const struct entropy_source_t *source,
              uint8_t seed[CTR_DRBG_ENTROPY_LEN]);
    int   (*get_extra_entropy)(const struct entropy_source_t *source,
              uint8_t entropy[CTR_DRBG_ENTROPY_LEN]);
    int   (*get_prediction_resistance)(const struct entropy_source_t *source,
              uint8_t *bytes);
    int     id;
};

void override_entropy_source_method_FOR_TESTING(
    const struct entropy_source_methods *methods);


static int
sim_random_source(struct entropy_source_t *source)
{
    return 1;
}


static void
sim_random_source_done(struct entropy_source_t *source)
{
}


static int
sim_random_seed(const struct entropy_source_t *source,
    uint8_t seed[CTR_DRBG_ENTROPY_LEN])
{
    sim_random_bytes(SIM_RANDOM_LIBRARY, seed, CTR_DRBG_ENTROPY_LEN);

    return 1;
}


__attribute__((constructor))
static void
sim_random_no_jitter(void)
{
    static const struct entropy_source_methods  methods = {
        sim_random_source, sim_random_source_done, sim_random_source_done,
        sim_random_seed, NULL, NULL, 0
    };

    override_entropy_source_method_FOR_TESTING(&methods);
}

#elif defined(__x86_64__)

/* BoringSSL asks the processor as well, if it has RDRAND (bit 30) */

extern uint32_t  OPENSSL_ia32cap_P[4];


__attribute__((constructor))
static void
sim_random_no_rdrand(void)
{
    OPENSSL_ia32cap_P[1] &= ~(1U << 30);
}

#endif
