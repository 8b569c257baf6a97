// SPDX-License-Identifier: Apache-2.0
/* Everything a model needs and we lack, told at once. */
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "model/onnx/onnx_import.h"

#define MAX_LISTED 64 /* operators and reasons; a message holds about two dozen */

cop_status cop_onnx_report_add(struct onnx_report *report, struct arena *arena,
                               const struct onnx_missing *missing, cop_error *error)
{
    for (size_t i = 0; i < report->count; i++) {
        struct onnx_missing *entry = &report->entries[i];
        if (strcmp(entry->op, missing->op) == 0 && strcmp(entry->reason, missing->reason) == 0) {
            entry->count++;
            return COP_STATUS_OK;
        }
    }
    if (report->count == MAX_LISTED) {
        report->unlisted++;
        return COP_STATUS_OK;
    }
    if (report->entries == NULL)
        report->entries = cop_arena_alloc(arena, MAX_LISTED, sizeof *report->entries);
    struct onnx_missing copy = {
        .op = cop_arena_text(arena, missing->op),
        .node = cop_arena_text(arena, missing->node),
        .reason = cop_arena_text(arena, missing->reason),
        .opset = missing->opset,
        .count = 1,
    };
    if (report->entries == NULL || copy.op == NULL || copy.node == NULL || copy.reason == NULL)
        return cop_fail_memory(error, "list of what is not supported", sizeof *missing);
    report->entries[report->count++] = copy;
    return COP_STATUS_OK;
}

cop_status cop_onnx_report_status(const struct onnx_report *report, cop_error *error)
{
    if (report->count == 0)
        return COP_STATUS_OK;
    struct text text = {0};
    for (size_t i = 0; i < report->count; i++) {
        const struct onnx_missing *entry = &report->entries[i];
        cop_text_add(&text, "%s%.100s (%.200s", i == 0 ? "" : "; ", entry->op, entry->node);
        if (entry->count > 1)
            cop_text_add(&text, " and %zu more", entry->count - 1);
        if (entry->opset > 0)
            cop_text_add(&text, ", opset %lld", (long long)entry->opset);
        cop_text_add(&text, "): %.400s", entry->reason);
    }
    if (report->unlisted > 0)
        cop_text_add(&text, "; and %zu more nodes", report->unlisted);
    char *list = cop_text_take(&text);
    const cop_status status = list == NULL
                                  ? cop_fail_memory(error, "list of what is not supported", 1)
                                  : cop_fail(error, COP_STATUS_UNSUPPORTED, "%s", list);
    cop_text_free(&text);
    cop_free(list);
    return status;
}
