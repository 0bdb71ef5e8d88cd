
/*
 * One run, and the program's options:
 *
 *     sim [-j jobs] [-n seeds] [-s scenario] [-f seed | -r seed] [-c cc]
 *         [-l | -p]
 *
 * -f is the first seed; -r runs one with a trace; -c names the server's
 * congestion controller; -l lists the scenarios; -p prints the report.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <stdarg.h>
#include "sim.h"


#define SIM_DEFAULT_SEEDS  16

/* of the server's timer, besides one for each datagram */
#define SIM_MAX_WAKEUPS  100


typedef struct {
    const char  *scenario;
    uint64_t     seed;
    uint64_t     seeds;
    ngx_uint_t   jobs;
    ngx_uint_t   one;
} sim_options_t;


sim_t               sim;
sim_result_t        sim_result;

static sim_event_t  sim_watchdog;


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

    /*
     * A server that is left alone ends by its idle timeout, which starts anew
     * with the first probe after what it has heard last (RFC 9000, 10.1).  The
     * probe comes late if the client had been hard to reach before.
     */

    if (sim_clients_finished()) {
        stall += sim.scenario->idle ? sim.scenario->idle : SIM_PATIENCE;
    }

    if (sim.now - sim.progress > stall) {
        sim_fail("no progress since %.6f s",
                 (sim.progress - SIM_START) / 1e6);
    }

    sim_at(&sim_watchdog, sim.now + SIM_SEC);
}


static void
sim_check_mtu(size_t mtu)
{
    if (mtu && (sim_result.mtu > mtu || sim_result.mtu < mtu - mtu / 64)) {
        sim_fail("the server's MTU is %zu, that of the path %zu",
                 sim_result.mtu, mtu);
    }
}


void
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

    if (sim.server == NULL) {
        sim.server = sim.scenario->server ? sim.scenario->server
                                          : &sim_server_quic;
    }

    sim_link_init();
    sim.server->init();
    sim_client_init();

    sim_watchdog.handler = sim_watch;
    sim_at(&sim_watchdog, sim.now);

    while (!sim_clients_finished() || sim.server->conns()) {
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

    if (sim_result.moves < sim.scenario->moves) {
        sim_fail("the client has moved %lu times", sim_result.moves);
    }

    if (sim_result.at_once < sim.scenario->at_once) {
        sim_fail("%lu streams were there in 0-RTT", sim_result.at_once);
    }

    sim_check_mtu(sim.scenario->server_mtu);

    sim_client_done();
    sim.server->done();
    sim_streams_done();
    sim_link_done();
    sim_check_done();

    sim_cancel(&sim_watchdog);

    if (sim_step()) {
        sim_fail("a timer is left");
    }
}


static void
sim_print_score(sim_score_t *score)
{
    double         n;
    sim_result_t  *r;

    r = &score->sum;
    n = score->passed ? score->passed : 1;

    printf("%-24s %4lu passed %3lu failed  %8.3f s %9.0f B %7.0f up %7.0f down"
           " %6.0f lost %5.0f spurious %6.0f timers",
           score->scenario->name, score->passed, score->failed,
           r->time / n / 1e6, r->bytes / n, r->datagrams[0] / n,
           r->datagrams[1] / n, r->lost / n, r->spurious / n,
           r->wakeups / n);

    if (r->ce) {
        printf(" %.1f marks", r->ce / n);
    }

    if (r->phases) {
        printf(" %.1f key updates, %.1f of the client's", r->phases / n,
               r->key_updates / n);
    }

    if (score->scenario->fair > 0) {
        printf(" %.3f fair", r->fair / n);
    }

    putchar('\n');
}


/* what one run alone doesn't tell */

static void
sim_check_score(sim_score_t *score)
{
    if (score->passed
        && score->sum.fair < score->scenario->fair * score->passed)
    {
        score->failed++;

        printf("FAILED: make sim SCENARIO=%s (the link isn't shared)\n",
               score->scenario->name);
    }
}


static uint64_t
sim_seeds_of(const sim_scenario_t *row, uint64_t seeds)
{
    return row->weight ? ngx_max(1, seeds * row->weight / 100) : seeds;
}


static ngx_uint_t
sim_run_all(sim_options_t *o)
{
    ngx_uint_t             i, n, passed, failed;
    sim_score_t           *scores;
    const sim_scenario_t  *row;

    for (n = 0; sim_scenario(n); n++) { /* void */ }

    scores = calloc(n, sizeof(sim_score_t));
    n = 0;

    for (i = 0; (row = sim_scenario(i)) != NULL; i++) {

        if (o->scenario && ngx_strcmp(o->scenario, row->name)) {
            continue;
        }

        scores[n].scenario = row;
        scores[n].seeds = sim_seeds_of(row, o->seeds);
        scores[n++].twice = 1;
    }

    sim_run_scores(scores, n, o->seed, o->jobs);

    passed = 0;
    failed = 0;

    for (i = 0; i < n; i++) {
        sim_check_score(&scores[i]);

        passed += scores[i].passed;
        failed += scores[i].failed;

        sim_print_score(&scores[i]);
        free(scores[i].results);
    }

    free(scores);

    printf("%lu passed, %lu failed\n", passed, failed);

    return failed || passed == 0;
}


static const sim_scenario_t *
sim_find(const char *name, const sim_scenario_t *(*table)(ngx_uint_t i))
{
    ngx_uint_t             i;
    const sim_scenario_t  *row;

    for (i = 0; (row = table(i)) != NULL; i++) {
        if (name && ngx_strcmp(name, row->name) == 0) {
            return row;
        }
    }

    return NULL;
}


/* in this process, with a trace, for a debugger too */

static ngx_uint_t
sim_run_one(sim_options_t *o)
{
    sim.scenario = sim_find(o->scenario, sim_scenario);

    if (sim.scenario == NULL) {
        sim.scenario = sim_find(o->scenario, sim_report_scenario);
    }

    if (sim.scenario == NULL) {
        fprintf(stderr, "no such scenario\n");
        return 1;
    }

    sim.seed = o->seed;
    sim.trace = 1;

    sim_run();
    printf("passed\n");

    return 0;
}


int
main(int argc, char **argv)
{
    int            c;
    ngx_uint_t     i, report;
    sim_options_t  o;

    ngx_memzero(&o, sizeof(sim_options_t));
    report = 0;
    o.jobs = 2;
    o.seeds = SIM_DEFAULT_SEEDS;

    while ((c = getopt(argc, argv, "j:n:s:r:f:c:lp")) != -1) {

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
            sim.cc = optarg;
            break;

        case 'l':
            for (i = 0; sim_scenario(i); i++) {
                printf("%s\n", sim_scenario(i)->name);
            }

            return 0;

        case 'p':
            report = 1;
            break;

        default:
            return 2;
        }
    }

    if (report) {
        return sim_report(o.scenario, o.seeds, o.seed, o.jobs);
    }

    return o.one ? sim_run_one(&o) : sim_run_all(&o);
}
