
/*
 * Runs scenarios with seeds, each in a process of its own, so that neither a
 * crash nor what a run leaves behind touches another.
 *
 *     sim [-j jobs] [-n seeds] [-s scenario] [-r seed] [-c cc] [-l]
 *
 * -r runs one seed with a trace; -c names the server's congestion controller;
 * -l lists the scenarios.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "sim.h"


#define SIM_DEFAULT_SEEDS  16

/* of the server's timer, besides one for each datagram */
#define SIM_MAX_WAKEUPS  100

/* of a scenario, what failed runs have said */
#define SIM_MAX_SHOWN  3

/* of the processor's time, for a run */
#define SIM_MAX_SECONDS  60


/* one seed of a scenario is run twice */

typedef enum {
    SIM_ONCE = 0,
    SIM_FIRST,
    SIM_AGAIN
} sim_times_e;


typedef struct {
    pid_t                  pid;
    int                    output;
    ngx_uint_t             row;
    uint64_t               seed;
    sim_times_e            again;
} sim_job_t;


typedef struct {
    ngx_uint_t             passed, failed;
    sim_result_t           sum;
    uint64_t               digest;       /* of the first seed */
} sim_score_t;


typedef struct {
    const char            *scenario;
    uint64_t               seed;
    uint64_t               seeds;
    ngx_uint_t             jobs;
    ngx_uint_t             one;
} sim_options_t;


sim_t                 sim;
sim_result_t          sim_result;

static sim_event_t    sim_watchdog;
static sim_result_t  *sim_shared;        /* one for each job */
static sim_job_t     *sim_jobs;
static ngx_uint_t     sim_running;
static sim_score_t   *sim_scores;


void
sim_fail(const char *fmt, ...)
{
    va_list  args;

    fflush(stdout);
    fprintf(stderr, "at %.6f s: ", (sim.now - SIM_START) / 1e6);

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fputc('\n', stderr);

    sim_streams_show();

    _exit(1);
}


void
sim_trace(const char *fmt, ...)
{
    va_list  args;

    if (!sim.trace) {
        return;
    }

    printf("%12.6f ", (sim.now - SIM_START) / 1e6);

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);

    putchar('\n');
}


static void
sim_log(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    sim_trace("server: %.*s", (int) len - 1, buf);

    if (level <= NGX_LOG_CRIT) {
        sim_fail("server: %.*s", (int) len - 1, buf);
    }
}


static void
sim_watch(void *data)
{
    uint64_t  stall;

    stall = sim.scenario->stall ? sim.scenario->stall : SIM_STALL;

    if (sim.now - sim.progress > stall) {
        sim_fail("no progress since %.6f s",
                 (sim.progress - SIM_START) / 1e6);
    }

    sim_at(&sim_watchdog, sim.now + SIM_SEC);
}


/* one run, in this process */

static void
sim_run(void)
{
    static ngx_open_file_t  file;

    sim.now = SIM_START;
    sim.progress = SIM_START;

    ngx_time_init();
    ngx_pid = 1;

    file.fd = STDERR_FILENO;
    sim.log.file = &file;
    sim.log.writer = sim_log;
    sim.log.log_level = sim.trace ? NGX_LOG_DEBUG : NGX_LOG_WARN;

    sim_random_init();

    if (sim.scenario->any) {
        sim.scenario = sim_any(sim.scenario);
    }

    sim_link_init();
    sim_server_init();
    sim_client_init();

    sim_watchdog.handler = sim_watch;
    sim_at(&sim_watchdog, sim.now);

    while (!sim_clients_finished() || sim_server_conns()) {
        if (!sim_step()) {
            sim_fail("nothing happens any more");
        }
    }

    sim_result.time = sim.progress - SIM_START;

    if (sim_result.wakeups > SIM_MAX_WAKEUPS + sim_result.datagrams[0]
                             + sim_result.datagrams[1])
    {
        sim_fail("the server's timer fired %lu times", sim_result.wakeups);
    }

    if (sim.scenario->server_key_update && sim.scenario->key_update == 0
        && !sim.scenario->any
        && sim_result.phases <= sim_result.key_updates)
    {
        sim_fail("the server has never updated its keys");
    }

    sim_client_done();
    sim_server_done();
    sim_streams_done();
    sim_link_done();

    sim_cancel(&sim_watchdog);

    if (sim_step()) {
        sim_fail("a timer is left");
    }
}


/* many of them */

static void
sim_start(sim_job_t *job, ngx_uint_t row, uint64_t seed, sim_times_e again)
{
    char           name[] = "/tmp/simXXXXXX";
    struct rlimit  limit = { SIM_MAX_SECONDS, SIM_MAX_SECONDS + 5 };

    job->row = row;
    job->seed = seed;
    job->again = again;

    job->output = mkstemp(name);
    (void) unlink(name);

    fflush(stdout);
    job->pid = fork();

    if (job->pid) {
        return;
    }

    (void) dup2(job->output, STDOUT_FILENO);
    (void) dup2(job->output, STDERR_FILENO);
    (void) setrlimit(RLIMIT_CPU, &limit);

    sim.scenario = sim_scenario(row);
    sim.seed = seed;

    sim_run();

    sim_shared[job - sim_jobs] = sim_result;

    exit(0);
}


static void
sim_add(sim_result_t *sum, sim_result_t *r)
{
    sum->time += r->time;
    sum->bytes += r->bytes;
    sum->datagrams[0] += r->datagrams[0];
    sum->datagrams[1] += r->datagrams[1];
    sum->lost += r->lost;
    sum->spurious += r->spurious;
    sum->wakeups += r->wakeups;
    sum->key_updates += r->key_updates;
    sum->phases += r->phases;
}


static void
sim_show_output(sim_job_t *job)
{
    char     buf[4096];
    ssize_t  n;

    (void) lseek(job->output, 0, SEEK_SET);

    while ((n = read(job->output, buf, sizeof(buf))) > 0) {
        (void) fwrite(buf, 1, n, stdout);
    }
}


static void
sim_failed(sim_job_t *job, const char *reason)
{
    sim_scores[job->row].failed++;

    printf("FAILED: make sim SCENARIO=%s SEED=%lu%s\n",
           sim_scenario(job->row)->name, job->seed, reason);

    if (sim_scores[job->row].failed <= SIM_MAX_SHOWN) {
        sim_show_output(job);
    }
}


static void
sim_judge(sim_job_t *job, int status)
{
    sim_score_t   *score;
    sim_result_t  *result;

    score = &sim_scores[job->row];
    result = &sim_shared[job - sim_jobs];

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        sim_failed(job, " (it takes too long)");
        return;
    }

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        sim_failed(job, "");
        return;
    }

    /* the one that is run twice comes first, but may end last */

    if (score->digest == 0) {
        score->digest = job->again != SIM_ONCE ? result->digest : 0;

    } else if (job->again != SIM_ONCE && score->digest != result->digest) {
        sim_failed(job, " (isn't the same every time)");
        return;
    }

    if (job->again != SIM_AGAIN) {
        score->passed++;
        sim_add(&score->sum, result);
    }
}


/* waits for one to end */

static sim_job_t *
sim_reap(ngx_uint_t njobs)
{
    int          status;
    pid_t        pid;
    sim_job_t   *job;

    pid = wait(&status);

    for (job = sim_jobs; job->pid != pid; job++) {
        if (pid <= 0 || job == sim_jobs + njobs - 1) {
            abort();
        }
    }

    sim_judge(job, status);

    (void) close(job->output);
    job->pid = 0;

    return job;
}


static void
sim_print_score(ngx_uint_t row)
{
    double         n;
    sim_score_t   *score;
    sim_result_t  *r;

    score = &sim_scores[row];
    r = &score->sum;
    n = score->passed ? score->passed : 1;

    printf("%-24s %4lu passed %3lu failed  %8.3f s %9.0f B %7.0f up %7.0f down"
           " %6.0f lost %5.0f spurious %6.0f timers",
           sim_scenario(row)->name, score->passed, score->failed,
           r->time / n / 1e6, r->bytes / n, r->datagrams[0] / n,
           r->datagrams[1] / n, r->lost / n, r->spurious / n,
           r->wakeups / n);

    if (r->phases) {
        printf(" %.1f key updates, %.1f of the client's", r->phases / n,
               r->key_updates / n);
    }

    putchar('\n');
    fflush(stdout);
}


/* in a free place, or in that of the next one to end */

static void
sim_schedule(sim_options_t *o, ngx_uint_t row, uint64_t seed,
    sim_times_e again)
{
    sim_job_t  *job;

    job = sim_running < o->jobs ? &sim_jobs[sim_running++]
                                : sim_reap(o->jobs);

    sim_start(job, row, seed, again);
}


static uint64_t
sim_seeds_of(ngx_uint_t row, uint64_t seeds)
{
    ngx_uint_t  weight;

    weight = sim_scenario(row)->weight;

    return weight ? ngx_max(1, seeds * weight / 100) : seeds;
}


static ngx_uint_t
sim_run_all(sim_options_t *o)
{
    uint64_t     seed, end;
    ngx_uint_t   row, rows, passed, failed;

    for (rows = 0; sim_scenario(rows); rows++) { /* void */ }

    sim_scores = calloc(rows, sizeof(sim_score_t));
    sim_jobs = calloc(o->jobs, sizeof(sim_job_t));
    sim_shared = mmap(NULL, o->jobs * sizeof(sim_result_t),
                      PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    for (row = 0; row < rows; row++) {

        if (o->scenario && ngx_strcmp(o->scenario, sim_scenario(row)->name)) {
            continue;
        }

        sim_schedule(o, row, o->seed, SIM_FIRST);
        sim_schedule(o, row, o->seed, SIM_AGAIN);

        end = o->seed + sim_seeds_of(row, o->seeds);

        for (seed = o->seed + 1; seed < end; seed++) {
            sim_schedule(o, row, seed, SIM_ONCE);
        }
    }

    for ( /* void */ ; sim_running; sim_running--) {
        (void) sim_reap(o->jobs);
    }

    passed = 0;
    failed = 0;

    for (row = 0; row < rows; row++) {
        passed += sim_scores[row].passed;
        failed += sim_scores[row].failed;

        if (sim_scores[row].passed + sim_scores[row].failed) {
            sim_print_score(row);
        }
    }

    printf("%lu passed, %lu failed\n", passed, failed);

    return failed || passed == 0;
}


/* in this process, with a trace, for a debugger too */

static ngx_uint_t
sim_run_one(sim_options_t *o)
{
    ngx_uint_t  row;

    for (row = 0; sim_scenario(row); row++) {

        if (o->scenario && !ngx_strcmp(o->scenario, sim_scenario(row)->name)) {
            sim.scenario = sim_scenario(row);
            sim.seed = o->seed;
            sim.trace = 1;

            sim_run();
            printf("passed\n");

            return 0;
        }
    }

    fprintf(stderr, "no such scenario\n");

    return 1;
}


int
main(int argc, char **argv)
{
    int            c;
    ngx_str_t      name;
    ngx_uint_t     i;
    sim_options_t  o;

    ngx_memzero(&o, sizeof(sim_options_t));
    o.jobs = 2;
    o.seeds = SIM_DEFAULT_SEEDS;

    while ((c = getopt(argc, argv, "j:n:s:r:f:c:l")) != -1) {

        switch (c) {

        case 'j':
            o.jobs = strtoul(optarg, NULL, 10);
            break;

        case 'n':
            o.seeds = strtoul(optarg, NULL, 10);
            break;

        case 's':
            o.scenario = optarg;
            break;

        case 'f':
            o.seed = strtoull(optarg, NULL, 10);
            break;

        case 'r':
            o.seed = strtoull(optarg, NULL, 10);
            o.one = 1;
            break;

        case 'c':
            name.data = (u_char *) optarg;
            name.len = ngx_strlen(optarg);
            sim.cc = quic_cc_by_name(&name);

            if (sim.cc == NULL) {
                fprintf(stderr, "no such congestion controller\n");
                return 2;
            }

            break;

        case 'l':
            for (i = 0; sim_scenario(i); i++) {
                printf("%s\n", sim_scenario(i)->name);
            }

            return 0;

        default:
            return 2;
        }
    }

    return o.one ? sim_run_one(&o) : sim_run_all(&o);
}
