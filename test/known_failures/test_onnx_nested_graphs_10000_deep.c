// SPDX-License-Identifier: Apache-2.0
/* Graphs in graphs, 10,000 deep in 114 KB, overflowed the stack of parsers that recurse. */
#include <sys/resource.h>

#include "support/measure.h"
#include "support/onnx_files.h"
#include "support/unit.h"

/* Puts a header in front of a message: the field `number`, of this content. */
static void wrap(struct message *message, int number)
{
    struct message around = {0};
    write_message(&around, number, message);
    *message = around;
}

/* `depth` graphs, each in an attribute of a node of the one around it, and nothing else. */
static struct message nested(int depth)
{
    struct message graph = {0};
    for (int i = 0; i < depth; i++) {
        wrap(&graph, 6); /* AttributeProto.g */
        write_text(&graph, 1, "g");
        wrap(&graph, 5); /* NodeProto.attribute */
        write_text(&graph, 4, "If");
        wrap(&graph, 1); /* GraphProto.node */
    }
    return onnx_model(&graph, 13);
}

static cop_status load(const void *user, cop_error *error)
{
    const struct message *model = user;
    const cop_bytes bytes = {.data = model->bytes, .size = model->size};
    const struct rlimit small = {128 * 1024, 128 * 1024};
    cop_model *loaded = NULL;
    if (!IS_SANITIZED && setrlimit(RLIMIT_STACK, &small) != 0)
        return COP_STATUS_INTERNAL;
    const cop_status status =
        cop_model_load_bytes(COP_MODEL_FORMAT_ONNX, &bytes, NULL, NULL, &loaded, error);
    cop_model_release(&loaded);
    return status;
}

START_TEST(they_are_counted_and_refused_on_a_small_stack)
{
    static const int depths[] = {65, 1000, 10000};
    for (int i = 0; i < 3; i++) {
        struct message model = nested(depths[i]);
        const struct measured result = measure(load, &model);
        printf("%d: %s: %.150s\n", depths[i], cop_status_name(result.status), result.error.message);
        ck_assert_int_eq(result.status, COP_STATUS_UNSUPPORTED);
        ck_assert_msg(strstr(result.error.message, "nested more than 64 deep") != NULL, "%s",
                      result.error.message);
        if (!IS_SANITIZED)
            ck_assert_uint_le(result.peak_bytes, 64 * MEGABYTE + 4 * model.size);
        message_free(&model);
    }
}
END_TEST

int main(void)
{
    return RUN_TESTS("nested graphs", they_are_counted_and_refused_on_a_small_stack);
}
