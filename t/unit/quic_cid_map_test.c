
/* The table of connection IDs: by name, and against a list. */

#include "test.h"
#include "quic/quic_cid_map.h"


#define NODES  3000


static ngx_log_t   logger;
static quic_mem_t  mem;


static void
init(quic_cid_map_t *m)
{
    quic_mem_init(&mem, &logger);
    assert_int_equal(quic_cid_map_init(m, &mem), NGX_OK);
}


static void
done(quic_cid_map_t *m)
{
    mem.max = NGX_MAX_SIZE_T_VALUE;
    quic_cid_map_done(m);
    assert_int_equal(mem.used, 0);
    quic_mem_done(&mem);
}


static void
set(quic_cid_node_t *node, const char *cid)
{
    ngx_memzero(node, sizeof(quic_cid_node_t));
    quic_cid_set(&node->cid, (u_char *) cid, ngx_strlen(cid));
}


static quic_cid_node_t *
find(quic_cid_map_t *m, const char *cid)
{
    return quic_cid_map_find(m, (u_char *) cid, ngx_strlen(cid));
}


static void
test_add_find_remove(void **state)
{
    quic_cid_map_t   m;
    quic_cid_node_t  a, b, c, empty, again;

    init(&m);

    set(&a, "12345678");
    set(&b, "1234567890");
    set(&c, "12345679");
    set(&empty, "");
    set(&again, "12345678");

    assert_null(find(&m, "12345678"));
    assert_null(find(&m, ""));
    quic_cid_map_remove(&m, &a);

    assert_int_equal(quic_cid_map_add(&m, &a), NGX_OK);
    assert_int_equal(quic_cid_map_add(&m, &b), NGX_OK);
    assert_int_equal(quic_cid_map_add(&m, &c), NGX_OK);
    assert_int_equal(quic_cid_map_add(&m, &empty), NGX_OK);
    assert_int_equal(m.n, 4);

    assert_ptr_equal(find(&m, "12345678"), &a);
    assert_ptr_equal(find(&m, "1234567890"), &b);
    assert_ptr_equal(find(&m, "12345679"), &c);
    assert_ptr_equal(find(&m, ""), &empty);
    assert_null(find(&m, "1234567"));
    assert_null(find(&m, "12345678901234567890123456789"));

    /* there already: by another node, by itself */

    assert_int_equal(quic_cid_map_add(&m, &again), NGX_DECLINED);
    assert_int_equal(quic_cid_map_add(&m, &a), NGX_DECLINED);
    assert_int_equal(m.n, 4);
    quic_cid_map_remove(&m, &again);
    assert_ptr_equal(find(&m, "12345678"), &a);

    quic_cid_map_remove(&m, &a);
    quic_cid_map_remove(&m, &a);
    assert_int_equal(m.n, 3);
    assert_null(find(&m, "12345678"));
    assert_int_equal(quic_cid_map_add(&m, &again), NGX_OK);
    assert_ptr_equal(find(&m, "12345678"), &again);

    done(&m);

    /* nodes may be removed after the end of the map */

    quic_cid_map_remove(&m, &b);
    quic_cid_map_remove(&m, &again);
    quic_cid_map_done(&m);
}


static void
test_no_memory(void **state)
{
    char              cid[16];
    ngx_uint_t        i;
    quic_cid_map_t    m;
    quic_cid_node_t  *node;

    quic_mem_init(&mem, &logger);
    mem.max = 0;
    assert_int_equal(quic_cid_map_init(&m, &mem), NGX_ERROR);
    quic_cid_map_done(&m);

    init(&m);
    mem.max = mem.used;

    node = calloc(NODES, sizeof(quic_cid_node_t));
    assert_non_null(node);

    /* it doesn't grow, and works */

    for (i = 0; i < NODES; i++) {
        sprintf(cid, "cid%lu", i);
        set(&node[i], cid);
        assert_int_equal(quic_cid_map_add(&m, &node[i]), NGX_OK);
    }

    assert_int_equal(m.used, 64);

    for (i = 0; i < NODES; i++) {
        sprintf(cid, "cid%lu", i);
        assert_ptr_equal(find(&m, cid), &node[i]);
    }

    /* it grows as soon as it can */

    mem.max = NGX_MAX_SIZE_T_VALUE;

    for (i = 0; i < NODES; i++) {
        quic_cid_map_remove(&m, &node[i]);
        assert_int_equal(quic_cid_map_add(&m, &node[i]), NGX_OK);
    }

    assert_int_equal(m.used, NODES);

    for (i = 0; i < NODES; i++) {
        sprintf(cid, "cid%lu", i);
        assert_ptr_equal(find(&m, cid), &node[i]);
    }

    done(&m);

    for (i = 0; i < NODES; i++) {
        assert_false(node[i].linked);
    }

    free(node);
}


static ngx_uint_t
longest_chain(quic_cid_map_t *m)
{
    ngx_uint_t        i, n, longest;
    quic_cid_node_t  *node;

    for (i = 0, longest = 0; i < m->used; i++) {

        for (n = 0, node = m->bucket[i]; node; node = node->next) {
            n++;
        }

        longest = ngx_max(longest, n);
    }

    return longest;
}


/* connection IDs that differ in few bits, of all lengths, come and go */

static void
test_random(void **state)
{
    u_char            cid[QUIC_CID_MAX_LEN];
    ngx_uint_t        i, k, n, len;
    quic_cid_map_t    m;
    quic_cid_node_t  *node, *found;

    init(&m);

    node = calloc(NODES, sizeof(quic_cid_node_t));
    assert_non_null(node);

    /* node k has k in its first two bytes, so all are different */

    for (k = 0; k < NODES; k++) {
        ngx_memzero(cid, sizeof(cid));
        cid[0] = (u_char) k;
        cid[1] = (u_char) (k >> 8);
        quic_cid_set(&node[k].cid, cid, 2 + k % (QUIC_CID_MAX_LEN - 1));
        node[k].data = &node[k];
    }

    for (i = 0, n = 0; i < 200000; i++) {
        k = test_rand() % NODES;
        len = node[k].cid.len;

        found = quic_cid_map_find(&m, node[k].cid.data, len);
        assert_ptr_equal(found, node[k].linked ? &node[k] : NULL);
        assert_null(quic_cid_map_find(&m, node[k].cid.data, len - 1));

        if (found == NULL) {
            assert_int_equal(quic_cid_map_add(&m, &node[k]), NGX_OK);
            n++;

        } else if (test_rand() % 3 == 0) {
            quic_cid_map_remove(&m, found);
            n--;
        }

        assert_int_equal(m.n, n);
        assert_true(m.n <= m.used);
        assert_true(m.used <= m.size && m.used > m.size / 2);
    }

    assert_true(m.used >= 1024);
    assert_true(longest_chain(&m) < 16);

    for (k = 0; k < NODES; k++) {
        quic_cid_map_remove(&m, &node[k]);
    }

    assert_int_equal(m.n, 0);
    assert_int_equal(longest_chain(&m), 0);

    done(&m);
    free(node);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_add_find_remove),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
