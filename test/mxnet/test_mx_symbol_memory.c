// SPDX-License-Identifier: Apache-2.0
/* Every allocation that a call on symbols makes fails once: a text, nothing left, symbols as they
 * were. */
#include "base/alloc.h"
#include "mxnet/mx_symbols.h"

/* What the acts work with; made without faults. */
static SymbolHandle network, atomic, value;
static char *network_json, *atomic_json;

static void set_stage(void)
{
    network = mx_node("BatchNorm", "", "bn", mx_dense("fc", mx_variable("data")));
    network = mx_node("SoftmaxOutput", "", "softmax", network);
    atomic = mx_atomic("Convolution", "kernel=(3,3);num_filter=4;lr_mult=2");
    value = mx_node("relu", "", "act", mx_variable("value"));
    network_json = mx_json(network);
    atomic_json = mx_json(atomic);
}

static void clear_stage(void)
{
    free(network_json);
    free(atomic_json);
    for (size_t i = 0; i < 3; i++)
        MX(MXSymbolFree((SymbolHandle[]){network, atomic, value}[i]));
}

/* A symbol that was made, or was not, is not kept. */
static int drop(int result, const SymbolHandle *made)
{
    if (result == 0)
        MX(MXSymbolFree(*made));
    return result;
}

static int create_variable(void)
{
    SymbolHandle made = NULL;
    return drop(MXSymbolCreateVariable("v", &made), &made);
}

static int create_atomic(void)
{
    SymbolHandle made = NULL;
    OpHandle op;
    const char *keys[] = {"num_hidden", "lr_mult"}, *values[] = {"2", "3"};
    MX(NNGetOpHandle("FullyConnected", &op));
    return drop(MXSymbolCreateAtomicSymbol(op, 2, keys, values, &made), &made);
}

static int copy(void)
{
    SymbolHandle made = NULL;
    return drop(MXSymbolCopy(network, &made), &made);
}

static int find_internals(void)
{
    SymbolHandle made = NULL;
    return drop(MXSymbolGetInternals(network, &made), &made);
}

static int find_children(void)
{
    SymbolHandle made = NULL;
    return drop(MXSymbolGetChildren(network, &made), &made);
}

static int read_json(void)
{
    SymbolHandle made = NULL;
    return drop(MXSymbolCreateFromJSON(network_json, &made), &made);
}

static int read_old_json(void)
{
    SymbolHandle made = NULL;
    return drop(MXSymbolCreateFromJSON(
                    "{\"nodes\":[{\"op\":\"null\",\"name\":\"x\",\"inputs\":[]},"
                    "{\"op\":\"null\",\"name\":\"g\",\"inputs\":[]},"
                    "{\"op\":\"null\",\"name\":\"b\",\"inputs\":[]},"
                    "{\"op\":\"BatchNorm\",\"name\":\"bn\",\"param\":{\"eps\":\"0.01\"},"
                    "\"attr\":{\"gamma_lr_mult\":\"4\",\"lr_mult\":\"5\"},"
                    "\"inputs\":[[0,0],[1,0],[2,0]]}],\"arg_nodes\":[0,1,2],\"heads\":[[3,0]]}",
                    &made),
                &made);
}

static int write_json(void)
{
    const char *json;
    return MXSymbolSaveToJSON(network, &json);
}

static int print(void)
{
    const char *text;
    return MXSymbolPrint(network, &text);
}

static int list(void)
{
    uint32_t count;
    const char **names;
    const int result = MXSymbolListArguments(network, &count, &names);
    return result == 0 ? MXSymbolListAttr(network, &count, &names) : result;
}

/* The operator composed must be a fresh one each time, or be as it was. */
static int compose_copy_of(SymbolHandle symbol, const char *before, const char *key)
{
    SymbolHandle made = NULL;
    int result = MXSymbolCopy(symbol, &made);
    if (result != 0)
        return result;
    result = MXSymbolCompose(made, "name", 1, (const char *[]){key}, &value);
    if (result != 0) {
        const bool was_limited = cop_alloc_has_failed();
        cop_alloc_fail_after(-1, 0);
        char *after = mx_json(made);
        ck_assert_str_eq(after, before);
        free(after);
        ck_assert(was_limited);
    }
    MX(MXSymbolFree(made));
    return result;
}

static int compose_node(void)
{
    return compose_copy_of(atomic, atomic_json, "data");
}

static int compose_network(void)
{
    return compose_copy_of(network, network_json, "data");
}

static int infer_shapes(void)
{
    uint32_t sizes[3];
    const int *ranks[3], **dims[3];
    int complete;
    return MXSymbolInferShapeEx(network, 1, (const char *[]){"data"}, (const uint32_t[]){0, 2},
                                (const int[]){2, 3}, &sizes[0], &ranks[0], &dims[0], &sizes[1],
                                &ranks[1], &dims[1], &sizes[2], &ranks[2], &dims[2], &complete);
}

static int infer_types(void)
{
    uint32_t sizes[3];
    const int *types[3];
    int complete;
    return MXSymbolInferType(network, 1, (const char *[]){"data"}, (const int[]){0}, &sizes[0],
                             &types[0], &sizes[1], &types[1], &sizes[2], &types[2], &complete);
}

/* How many allocations failed until it succeeded. */
static int fail_each(size_t number, int (*act)(void))
{
    MX(act()); /* what stays with the thread is there */
    const size_t before = cop_alloc_counters().live_bytes;
    for (int successes = 0;; successes++) {
        cop_alloc_fail_after(successes, 0);
        const int result = act();
        const bool has_failed = cop_alloc_has_failed();
        cop_alloc_fail_after(-1, 0);
        const size_t after = cop_alloc_counters().live_bytes;
        ck_assert_msg(after == before, "act %zu, allocation %d: %zu bytes are left", number,
                      successes, after - before);
        if (result == 0 && !has_failed)
            return successes;
        ck_assert_int_eq(result, -1);
        ck_assert_msg(strstr(MXGetLastError(), "memory") != NULL, "%s", MXGetLastError());
    }
}

START_TEST(every_failed_allocation_is_told_and_leaves_nothing)
{
    static const struct {
        int (*act)(void);
        int least; /* allocations that it is known to make */
    } acts[] = {
        {create_variable, 3}, {create_atomic, 6}, {copy, 20},          {find_internals, 3},
        {find_children, 3},   {read_json, 30},    {read_old_json, 15}, {write_json, 4},
        {print, 3},           {list, 4},          {compose_node, 8},   {compose_network, 20},
        {infer_shapes, 30},   {infer_types, 5},
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        const int count = fail_each(i, acts[i].act);
        ck_assert_msg(count >= acts[i].least, "act %zu: %d allocations", i, count);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS_WITH("mx_symbol_memory", set_stage, clear_stage,
                          every_failed_allocation_is_told_and_leaves_nothing);
}
