// SPDX-License-Identifier: Apache-2.0
/* Files that are cut off, overwritten at random, or meet a system without memory. */
#include "base/alloc.h"
#include "support/mutate.h"
#include "support/onnx_files.h"
#include "support/unit.h"

START_TEST(the_undamaged_file_is_accepted)
{
    struct graph *graph = import_model(sample_model());
    ck_assert_int_eq(graph->input_count, 1);
    ck_assert_int_eq(graph->output_count, 2);
    ck_assert_str_eq(graph->output_names[0], "m");
    cop_graph_destroy(graph);
}
END_TEST

static void expect_reason(cop_status status, const cop_error *error, const struct graph *graph)
{
    if (status == COP_STATUS_OK) {
        ck_assert_ptr_nonnull(graph);
        return;
    }
    ck_assert_msg(status == COP_STATUS_MALFORMED_MODEL || status == COP_STATUS_UNSUPPORTED, "%s",
                  cop_status_name(status));
    ck_assert_int_eq(error->status, status);
    ck_assert_msg(strncmp(error->message, "test.onnx: ", 11) == 0, "%s", error->message);
    ck_assert_ptr_null(graph);
}

START_TEST(a_file_cut_off_at_any_byte_is_refused_or_whole)
{
    struct message model = sample_model();
    int accepted = 0;
    for (size_t size = 0; size < model.size; size++) {
        cop_error error;
        struct graph *graph;
        const cop_status status = import_bytes(model.bytes, size, &graph, &error);
        expect_reason(status, &error, graph);
        accepted += status == COP_STATUS_OK;
        cop_graph_destroy(graph);
    }
    ck_assert_int_le(accepted, 3); /* cut between fields that nobody needs, behind the graph */
    message_free(&model);
}
END_TEST

START_TEST(mutated_files_are_refused_with_a_reason_or_accepted)
{
    struct message model = sample_model(), mutated = {0};
    uint64_t state = 20221120;
    int accepted = 0;
    for (int round = 0; round < 25000; round++) {
        cop_error error;
        struct graph *graph;
        mutated.size = 0;
        write_raw(&mutated, model.bytes, model.size);
        mutated.size = mutate(mutated.bytes, mutated.size, &state);
        const cop_status status = import_bytes(mutated.bytes, mutated.size, &graph, &error);
        expect_reason(status, &error, graph);
        accepted += status == COP_STATUS_OK;
        cop_graph_destroy(graph);
    }
    ck_assert_int_gt(accepted, 0); /* otherwise the mutations never get past the first check */
    message_free(&model);
    message_free(&mutated);
}
END_TEST

static void fail_at(const struct message *model, int for_ever)
{
    const size_t live = cop_alloc_counters().live_bytes;
    for (int64_t k = 0;; k++) {
        cop_error error;
        struct graph *graph;
        cop_alloc_fail_after(k, for_ever);
        const cop_status status = import_bytes(model->bytes, model->size, &graph, &error);
        cop_alloc_fail_after(-1, 0);
        if (status == COP_STATUS_OK) {
            ck_assert_int_gt(k, 10);
            cop_graph_destroy(graph);
            break;
        }
        ck_assert_msg(status == COP_STATUS_OUT_OF_MEMORY, "allocation %lld: %s: %s", (long long)k,
                      cop_status_name(status), error.message);
        ck_assert_int_eq(error.status, status);
        ck_assert_ptr_null(graph);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, live);
    }
    ck_assert_uint_eq(cop_alloc_counters().live_bytes, live);
}

START_TEST(an_allocation_that_fails_once_is_out_of_memory_and_leaks_nothing)
{
    struct message model = sample_model(), other = shape_model();
    fail_at(&model, 0);
    fail_at(&other, 0);
    message_free(&model);
    message_free(&other);
}
END_TEST

START_TEST(memory_that_ends_for_good_is_out_of_memory_and_leaks_nothing)
{
    struct message model = sample_model();
    fail_at(&model, 1);
    message_free(&model);
}
END_TEST

/* The same for a model that is refused: the list of reasons needs memory, too. */
START_TEST(a_refusal_without_memory_is_out_of_memory)
{
    struct message node = onnx_node("LSTM", "cell", "x", "h"), graph = {0}, inner = {0};
    struct message inner_node = onnx_node("GRU", "inner", "x", "g");
    onnx_add_node(&inner, &inner_node);
    onnx_attribute_graph(&node, "body", &inner);
    onnx_add_input(&graph, "x", ONNX_FLOAT, DIMS(1));
    onnx_add_node(&graph, &node);
    onnx_add_output(&graph, "h", ONNX_FLOAT, DIMS(1));
    struct message model = onnx_model(&graph, 13);
    const size_t live = cop_alloc_counters().live_bytes;
    for (int64_t k = 0;; k++) {
        cop_error error;
        struct graph *imported;
        cop_alloc_fail_after(k, 0);
        const cop_status status = import_bytes(model.bytes, model.size, &imported, &error);
        cop_alloc_fail_after(-1, 0);
        ck_assert_uint_eq(cop_alloc_counters().live_bytes, live);
        if (status == COP_STATUS_UNSUPPORTED) {
            ck_assert_str_eq(error.message,
                             "test.onnx: LSTM (node 'cell', opset 13): operator not supported; "
                             "GRU (node 'inner', opset 13): operator not supported");
            break;
        }
        ck_assert_int_eq(status, COP_STATUS_OUT_OF_MEMORY);
    }
    message_free(&model);
}
END_TEST

int main(void)
{
    return RUN_TESTS("onnx damage", the_undamaged_file_is_accepted,
                     a_file_cut_off_at_any_byte_is_refused_or_whole,
                     mutated_files_are_refused_with_a_reason_or_accepted,
                     an_allocation_that_fails_once_is_out_of_memory_and_leaks_nothing,
                     memory_that_ends_for_good_is_out_of_memory_and_leaks_nothing,
                     a_refusal_without_memory_is_out_of_memory);
}
