
/*
 * How fast it is: what one stream gets out of a link, and how long a handshake
 * takes, next to libngtcp2's server with the same controller, the same client,
 * the same link and the same seeds.  Both send datagrams of 1200 bytes.
 *
 * Goodput is the stream's bytes by the time from the client's first datagram
 * to the last byte.  A link is filled when the bytes of datagrams that arrive
 * are nearly its rate.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include "sim_ngtcp2.h"


/* of a link's rate and of what is sent */
#define MB  1000000UL

#define SIM_REPORT_DATAGRAM  1200
#define SIM_REPORT_HEADERS   28      /* of IPv4 and UDP */

/* flow control is not to be in the way of any link */
#define SIM_REPORT_WINDOW  (64 * MB)

/* the bars */
#define SIM_REPORT_RATIO      0.95   /* of the peer's goodput */
#define SIM_REPORT_FILLED     0.95   /* of the link, when nothing is lost */
#define SIM_REPORT_HANDSHAKE  1.5    /* of the peer's time */

/* handshakes for each download: they are short, and differ widely */
#define SIM_REPORT_HANDSHAKES  100

/* without loss seeds differ in little */
#define SIM_REPORT_SEEDS  2

/* the places of a pair */
#define SIM_OURS    0
#define SIM_THEIRS  1

#define sim_report_nelts(a)  (sizeof(a) / sizeof(a[0]))


typedef struct {
    const char             *name;
    const char             *title;
    uint64_t                rtt;         /* microseconds */
    uint64_t                rate;        /* bytes a second */
    uint64_t                queue;       /* bytes */
    uint64_t                bytes[2];    /* of the stream: without loss, where
                                            the start is to be a small part of
                                            the time, and with loss */
} sim_report_link_t;


typedef struct {
    const sim_report_link_t  *link;
    double                    loss;
    char                      name[2][64];
    sim_scenario_t            scenario[2];
    sim_score_t               score[2];
} sim_report_row_t;


static const sim_report_link_t  sim_report_links[] = {
    { "10m", "10 Mbit/s, 30 ms, 25 packets", 30 * SIM_MS,
      1250000, 25 * SIM_REPORT_DATAGRAM, { 50 * MB, 20 * MB } },

    { "100m", "100 Mbit/s, 20 ms, 1 BDP", 20 * SIM_MS, 12500000, 250000,
      { 100 * MB, 100 * MB } },

    { "1g", "1 Gbit/s, 40 ms, 1 BDP", 40 * SIM_MS, 125000000, 5000000,
      { 2000 * MB, 100 * MB } }
};


static const sim_report_link_t  sim_report_handshake_link = {
    "handshake", "40 ms", 40 * SIM_MS, 12500000, 250000, { 2000, 2000 }
};


static const double  sim_report_losses[] = { 0, 0.001, 0.01 };

#define SIM_REPORT_HANDSHAKE_LOSS  0.3

static const char  *sim_report_cc[] = { "cubic", "reno", "bbr" };


#define SIM_REPORT_ROWS                                                       \
    (sim_report_nelts(sim_report_links) * sim_report_nelts(sim_report_losses) \
     * sim_report_nelts(sim_report_cc) + 1)

static sim_report_row_t  sim_report_rows[SIM_REPORT_ROWS];


static void
sim_report_plan(sim_scenario_t *s, const sim_report_link_t *link, double loss,
    const char *cc)
{
    ngx_uint_t  i;

    s->plain = 1;
    s->streams = 1;
    s->cc[0] = cc;

    s->client_stream_window = SIM_REPORT_WINDOW;
    s->client_window = SIM_REPORT_WINDOW;
    s->mtu = SIM_REPORT_DATAGRAM + SIM_REPORT_HEADERS;

    s->flow[SIM_DOWN].min = link->bytes[loss > 0];
    s->flow[SIM_DOWN].max = link->bytes[loss > 0];

    for (i = 0; i < 2; i++) {
        s->path[i].delay = link->rtt / 2;
        s->path[i].rate = link->rate;
        s->path[i].queue = link->queue;
        s->path[i].loss = loss;
    }
}


static void
sim_report_row(sim_report_row_t *row, const sim_report_link_t *link,
    double loss, const char *cc)
{
    ngx_uint_t  i;

    row->link = link;
    row->loss = loss;

    for (i = 0; i < 2; i++) {
        sim_report_plan(&row->scenario[i], link, loss, cc);

        (void) snprintf(row->name[i], sizeof(row->name[i]),
                        "report-%s-loss-%g-%s%s", link->name, 100 * loss, cc,
                        i == SIM_OURS ? "" : "-ngtcp2");

        row->scenario[i].name = row->name[i];
        row->score[i].scenario = &row->scenario[i];
    }

    row->scenario[SIM_THEIRS].server = &sim_server_ngtcp2;
}


static void
sim_report_init(void)
{
    ngx_uint_t         i, j, k;
    sim_report_row_t  *row;

    row = sim_report_rows;

    for (i = 0; i < sim_report_nelts(sim_report_links); i++) {
        for (j = 0; j < sim_report_nelts(sim_report_losses); j++) {
            for (k = 0; k < sim_report_nelts(sim_report_cc); k++) {
                sim_report_row(row++, &sim_report_links[i],
                               sim_report_losses[j], sim_report_cc[k]);
            }
        }
    }

    sim_report_row(row, &sim_report_handshake_link, SIM_REPORT_HANDSHAKE_LOSS,
                   "cubic");
}


const sim_scenario_t *
sim_report_scenario(ngx_uint_t i)
{
    if (sim_report_rows[0].link == NULL) {
        sim_report_init();
    }

    return i < 2 * SIM_REPORT_ROWS ? &sim_report_rows[i / 2].scenario[i % 2]
                                   : NULL;
}


/* the mean of what the runs got, bits a second */

static double
sim_report_goodput(const sim_score_t *score)
{
    double               sum;
    ngx_uint_t           i;
    const sim_result_t  *r;

    sum = 0;

    for (i = 0; i < score->passed; i++) {
        r = &score->results[i];
        sum += r->bytes * 8e6 / r->last_byte;
    }

    return score->passed ? sum / score->passed : 0;
}


/* how much of the link's rate was used, on average */

static double
sim_report_filled(const sim_report_row_t *row, ngx_uint_t i)
{
    const sim_result_t  *sum;

    sum = &row->score[i].sum;

    if (sum->last_byte == 0) {
        return 0;
    }

    return sum->octets[SIM_DOWN] * 1e6 / sum->last_byte / row->link->rate;
}


static int
sim_report_compare(const void *one, const void *two)
{
    const sim_result_t *a = one, *b = two;

    return (a->established > b->established)
           - (a->established < b->established);
}


/* the time that "part" of the handshakes took at most, milliseconds */

static double
sim_report_handshake(sim_score_t *score, double part)
{
    qsort(score->results, score->passed, sizeof(sim_result_t),
          sim_report_compare);

    return score->results[(ngx_uint_t) (score->passed * part)].established
           / 1e3;
}


/* the number of bars that were missed */

static ngx_uint_t
sim_report_print_goodput(const sim_report_row_t *row)
{
    double      ours, theirs;
    ngx_uint_t  slower, idle;

    ours = sim_report_goodput(&row->score[SIM_OURS]) / 1e6;
    theirs = sim_report_goodput(&row->score[SIM_THEIRS]) / 1e6;

    /* if it is theirs that can't do it, there is nothing to compare with */

    slower = ours < SIM_REPORT_RATIO * theirs;
    idle = row->loss == 0
           && sim_report_filled(row, SIM_OURS) < SIM_REPORT_FILLED;

    printf("%-28s %4g %%  %-6s %4lu MB %9.2f %9.2f   %5.2f   %5.1f %%"
           " %5.1f %%%s%s\n",
           row->link->title, 100 * row->loss, row->scenario[SIM_OURS].cc[0],
           row->scenario[SIM_OURS].flow[SIM_DOWN].max / MB, ours, theirs,
           theirs ? ours / theirs : 0,
           100 * sim_report_filled(row, SIM_OURS),
           100 * sim_report_filled(row, SIM_THEIRS),
           slower ? "  <-- SLOWER" : "", idle ? "  <-- NOT FILLED" : "");

    return slower + idle;
}


static ngx_uint_t
sim_report_print_handshake(sim_report_row_t *row)
{
    static const double  parts[] = { 0.5, 0.9, 0.99 };

    double      ours, theirs;
    ngx_uint_t  i, slower, missed;

    printf("\nHandshake, %s, %g %% lost, ms (%lu seeds)\n\n",
           row->link->title, 100 * row->loss, row->score[SIM_OURS].seeds);

    missed = 0;

    for (i = 0; i < sim_report_nelts(parts); i++) {
        ours = sim_report_handshake(&row->score[SIM_OURS], parts[i]);
        theirs = sim_report_handshake(&row->score[SIM_THEIRS], parts[i]);

        slower = ours > SIM_REPORT_HANDSHAKE * theirs;
        missed += slower;

        printf("%3.0f %% of them in %36.0f %9.0f   %5.2f%s\n",
               100 * parts[i], ours, theirs, ours / theirs,
               slower ? "  <-- SLOWER" : "");
    }

    putchar('\n');

    return missed;
}


static ngx_uint_t
sim_report_skip(const sim_report_row_t *row, const char *only)
{
    return only && ngx_strncmp(row->name[SIM_OURS], only, ngx_strlen(only));
}


static void
sim_report_run(const char *only, uint64_t seeds, uint64_t seed,
    ngx_uint_t jobs)
{
    ngx_uint_t         i;
    sim_report_row_t  *row, *last;

    last = &sim_report_rows[SIM_REPORT_ROWS - 1];

    for (row = sim_report_rows; row <= last; row++) {

        if (sim_report_skip(row, only)) {
            continue;
        }

        for (i = 0; i < 2; i++) {
            row->score[i].seeds = (row == last) ? seeds * SIM_REPORT_HANDSHAKES
                                  : (row->loss > 0) ? seeds
                                  : SIM_REPORT_SEEDS;
        }

        sim_run_scores(row->score, 2, seed, jobs);
    }
}


ngx_uint_t
sim_report(const char *only, uint64_t seeds, uint64_t seed, ngx_uint_t jobs)
{
    ngx_uint_t         i, rows, missed, failed[2];
    sim_report_row_t  *row, *last;

    sim_report_init();
    sim_report_run(only, seeds, seed, jobs);

    printf("Goodput of one stream, Mbit/s (mean of %lu seeds, of %u without"
           " loss), and how much of the\nlink datagrams fill, next to"
           " libngtcp2 %s\n\n"
           "link                           loss  cc       bytes      ours"
           "    ngtcp2   ratio     ours   ngtcp2\n",
           seeds, SIM_REPORT_SEEDS, ngtcp2_version(0)->version_str);

    rows = 0;
    missed = 0;
    failed[SIM_OURS] = 0;
    failed[SIM_THEIRS] = 0;

    last = &sim_report_rows[SIM_REPORT_ROWS - 1];

    for (row = sim_report_rows; row <= last; row++) {

        if (sim_report_skip(row, only)) {
            continue;
        }

        rows++;
        missed += (row == last) ? sim_report_print_handshake(row)
                                : sim_report_print_goodput(row);

        for (i = 0; i < 2; i++) {
            failed[i] += row->score[i].failed;
            free(row->score[i].results);
        }
    }

    printf("%lu bars missed, %lu runs failed, %lu of libngtcp2's server\n",
           missed, failed[SIM_OURS], failed[SIM_THEIRS]);

    return rows == 0 || missed || failed[SIM_OURS];
}
