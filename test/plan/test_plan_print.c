// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>

#include "base/alloc.h"
#include "plan/plan.h"
#include "support/random_graph.h"
#include "support/unit.h"

#include <string.h>

struct printed {
    struct graph_maker maker;
    struct weight_store *store;
    struct plan *plan;
    struct weight_set *weights;
};

static struct printed make_plan(const char *input_name)
{
    struct printed printed = {.maker = make_graph(1)};
    const int x = add_input(&printed.maker, input_name, 4, (const int64_t[]){1, 8, 6, 6});
    const int conv =
        add_batch_norm(&printed.maker, add_conv(&printed.maker, x, 8, 8, 3, 1, false), 8);
    add_output(&printed.maker, add_unary(&printed.maker, UNARY_RELU, 0, 0, conv), "y");
    add_output(&printed.maker, x, "x again");
    ck_assert_int_eq(cop_weight_store_create(&printed.store, NULL), COP_STATUS_OK);
    const struct plan_request request = {.graph = printed.maker.graph,
                                         .store = printed.store,
                                         .device = {COP_DEVICE_REF, 0},
                                         .intra_op_threads = 1};
    ck_assert_int_eq(cop_plan_create(&request, &printed.plan, &printed.weights, NULL, NULL),
                     COP_STATUS_OK);
    return printed;
}

static void free_plan(struct printed *printed)
{
    cop_plan_release(&printed->plan);
    cop_weight_set_release(&printed->weights);
    cop_weight_store_release(&printed->store);
    free_maker(&printed->maker);
}

START_TEST(the_table_names_steps_kernels_and_what_is_fused)
{
    struct printed printed = make_plan("x");
    char *text;
    ck_assert_int_eq(cop_plan_print(printed.plan, COP_PLAN_FORMAT_TEXT, &text, NULL),
                     COP_STATUS_OK);
    ck_assert_ptr_nonnull(strstr(text, "Convolution"));
    ck_assert_ptr_nonnull(strstr(text, "n0 + n1 + n2"));
    ck_assert_ptr_nonnull(strstr(text, "[1,8,6,6]"));
    ck_assert_ptr_nonnull(strstr(text, "ref"));
    cop_free(text);
    free_plan(&printed);
}
END_TEST

START_TEST(the_json_is_valid_whatever_the_names)
{
    struct printed printed = make_plan("a \"quoted\"\\ name\n\xff \xc3\xa9");
    char *text;
    json_error_t reason;
    ck_assert_int_eq(cop_plan_print(printed.plan, COP_PLAN_FORMAT_JSON, &text, NULL),
                     COP_STATUS_OK);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &reason);
    ck_assert_msg(root != NULL, "line %d: %s", reason.line, reason.text);
    const json_t *steps = json_object_get(root, "steps");
    ck_assert_uint_eq(json_array_size(steps), (size_t)printed.plan->step_count);
    const json_t *step = json_array_get(steps, 0);
    ck_assert_str_eq(json_string_value(json_object_get(step, "fused")), "n1 + n2");
    ck_assert_str_eq(json_string_value(json_object_get(step, "op")), "Convolution");
    ck_assert_int_eq(json_integer_value(json_object_get(root, "arena_bytes")),
                     (json_int_t)printed.plan->arena_bytes);
    const json_t *dst = json_array_get(json_object_get(step, "dst"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(dst, "place")), "dst");
    ck_assert_int_eq(json_integer_value(json_object_get(dst, "bytes")), 8 * 36 * 4);
    ck_assert_uint_eq(json_array_size(json_object_get(dst, "shape")), 4);
    json_decref(root);
    cop_free(text);
    free_plan(&printed);
}
END_TEST

START_TEST(the_drawing_joins_steps_to_inputs_and_outputs)
{
    struct printed printed = make_plan("x");
    char *text;
    ck_assert_int_eq(cop_plan_print(printed.plan, COP_PLAN_FORMAT_DOT, &text, NULL), COP_STATUS_OK);
    ck_assert_int_eq(strncmp(text, "digraph", 7), 0);
    ck_assert_ptr_nonnull(strstr(text, "input0 -> step0;"));
    ck_assert_ptr_nonnull(strstr(text, "step0 -> output0;"));
    ck_assert_ptr_nonnull(strstr(text, "step1 -> output1;"));
    cop_free(text);
    free_plan(&printed);
}
END_TEST

START_TEST(an_unknown_format_and_missing_memory_are_errors)
{
    struct printed printed = make_plan("x");
    char *text;
    ck_assert_int_eq(cop_plan_print(printed.plan, (cop_plan_format)7, &text, NULL),
                     COP_STATUS_INVALID_ARGUMENT);
    for (int format = 0; format < 3; format++) {
        for (int k = 0, done = 0; !done; k++) {
            cop_alloc_fail_after(k, 0);
            const cop_status status =
                cop_plan_print(printed.plan, (cop_plan_format)format, &text, NULL);
            cop_alloc_fail_after(-1, 0);
            done = status == COP_STATUS_OK;
            ck_assert(done || (status == COP_STATUS_OUT_OF_MEMORY && text == NULL));
            cop_free(text);
        }
    }
    free_plan(&printed);
}
END_TEST

int main(void)
{
    return RUN_TESTS("plan_print", the_table_names_steps_kernels_and_what_is_fused,
                     the_json_is_valid_whatever_the_names,
                     the_drawing_joins_steps_to_inputs_and_outputs,
                     an_unknown_format_and_missing_memory_are_errors);
}
