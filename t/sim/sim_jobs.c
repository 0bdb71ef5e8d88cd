
/*
 * Runs scenarios with seeds, each in a process of its own, so that neither a
 * crash nor what a run leaves behind touches another.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "sim.h"


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
    pid_t         pid;
    int           output;
    sim_score_t  *score;
    uint64_t      seed;
    sim_times_e   again;
} sim_job_t;


static sim_result_t  *sim_shared;    /* one for each job */
static sim_job_t     *sim_jobs;
static ngx_uint_t     sim_max_jobs;
static ngx_uint_t     sim_running;


static void
sim_start(sim_job_t *job, sim_score_t *score, uint64_t seed, sim_times_e again)
{
    char           name[] = "/tmp/simXXXXXX";
    struct rlimit  limit = { SIM_MAX_SECONDS, SIM_MAX_SECONDS + 5 };

    job->score = score;
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

    sim.scenario = score->scenario;
    sim.seed = seed;

    sim_run();

    sim_shared[job - sim_jobs] = sim_result;

    exit(0);
}


static void
sim_add(sim_result_t *sum, sim_result_t *r)
{
    sum->time += r->time;
    sum->last_byte += r->last_byte;
    sum->bytes += r->bytes;
    sum->datagrams[0] += r->datagrams[0];
    sum->datagrams[1] += r->datagrams[1];
    sum->octets[0] += r->octets[0];
    sum->octets[1] += r->octets[1];
    sum->lost += r->lost;
    sum->spurious += r->spurious;
    sum->ce += r->ce;
    sum->fair += r->fair;
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
    job->score->failed++;

    printf("FAILED: make sim SCENARIO=%s SEED=%lu%s\n",
           job->score->scenario->name, job->seed, reason);

    if (job->score->failed <= SIM_MAX_SHOWN) {
        sim_show_output(job);
    }
}


static void
sim_judge(sim_job_t *job, int status)
{
    sim_score_t   *score;
    sim_result_t  *result;

    score = job->score;
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
        score->results[score->passed++] = *result;
        sim_add(&score->sum, result);
    }
}


/* waits for one to end */

static sim_job_t *
sim_reap(void)
{
    int         status;
    pid_t       pid;
    sim_job_t  *job;

    pid = wait(&status);

    for (job = sim_jobs; job->pid != pid; job++) {
        if (pid <= 0 || job == sim_jobs + sim_max_jobs - 1) {
            abort();
        }
    }

    sim_judge(job, status);

    (void) close(job->output);
    job->pid = 0;

    return job;
}


/* in a free place, or in that of the next one to end */

static void
sim_schedule(sim_score_t *score, uint64_t seed, sim_times_e again)
{
    sim_job_t  *job;

    job = sim_running < sim_max_jobs ? &sim_jobs[sim_running++] : sim_reap();

    sim_start(job, score, seed, again);
}


void
sim_run_scores(sim_score_t *scores, ngx_uint_t n, uint64_t seed,
    ngx_uint_t jobs)
{
    uint64_t      i;
    sim_score_t  *score;

    sim_max_jobs = jobs;
    sim_jobs = calloc(jobs, sizeof(sim_job_t));
    sim_shared = mmap(NULL, jobs * sizeof(sim_result_t), PROT_READ|PROT_WRITE,
                      MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    for (score = scores; score < scores + n; score++) {

        score->results = calloc(score->seeds, sizeof(sim_result_t));

        for (i = 0; i < score->seeds; i++) {
            if (i == 0 && score->twice) {
                sim_schedule(score, seed, SIM_FIRST);
                sim_schedule(score, seed, SIM_AGAIN);

            } else {
                sim_schedule(score, seed + i, SIM_ONCE);
            }
        }
    }

    for ( /* void */ ; sim_running; sim_running--) {
        (void) sim_reap();
    }

    (void) munmap(sim_shared, jobs * sizeof(sim_result_t));
    free(sim_jobs);
}
