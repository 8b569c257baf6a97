// SPDX-License-Identifier: Apache-2.0
#include "steps.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_RUNS 10
#define WARM_UPS   3

static double count_elements(const json_t *tensor)
{
    double elements = 1;
    size_t i;
    json_t *dim;
    json_array_foreach(json_object_get(tensor, "shape"), i, dim) elements *=
        (double)json_integer_value(dim);
    return elements;
}

static int64_t first_dim(const json_t *tensor)
{
    return json_integer_value(json_array_get(json_object_get(tensor, "shape"), 0));
}

static void describe(const json_t *json, struct bench_step *step)
{
    size_t i;
    json_t *tensor;
    const json_t *srcs = json_object_get(json, "src"), *dsts = json_object_get(json, "dst");
    step->name = json_string_value(json_object_get(json, "name"));
    step->op = json_string_value(json_object_get(json, "op"));
    step->kernel = json_string_value(json_object_get(json, "kernel"));
    step->backend = json_string_value(json_object_get(json, "backend"));
    step->fused = json_string_value(json_object_get(json, "fused"));
    json_array_foreach(srcs, i, tensor) step->bytes +=
        (double)json_integer_value(json_object_get(tensor, "bytes"));
    json_array_foreach(dsts, i, tensor) step->bytes +=
        (double)json_integer_value(json_object_get(tensor, "bytes"));
    if (strcmp(step->op, "Convolution") == 0 || strcmp(step->op, "FullyConnected") == 0) {
        const json_t *weights = json_array_get(srcs, 1);
        step->flops = 2 * count_elements(json_array_get(dsts, 0)) * count_elements(weights) /
                      (double)first_dim(weights);
    }
}

struct bench_steps bench_read_steps(const struct bench_subject *subject)
{
    char *text = NULL;
    cop_error error;
    bench_check(cop_cached_op_print_plan(subject->op, COP_PLAN_FORMAT_JSON, &text, &error), &error,
                "plan");
    json_t *plan = json_loads(text, 0, NULL);
    cop_text_release(&text);
    const json_t *list = json_object_get(plan, "steps");
    struct bench_steps steps = {.count = json_array_size(list), .plan = plan};
    steps.list = calloc(steps.count + 1, sizeof *steps.list);
    if (plan == NULL || steps.list == NULL) {
        fprintf(stderr, "the plan cannot be read\n");
        exit(1);
    }
    for (size_t i = 0; i < steps.count; i++)
        describe(json_array_get(list, i), &steps.list[i]);
    return steps;
}

void bench_release_steps(struct bench_steps *steps)
{
    for (size_t i = 0; i < steps->count; i++)
        free(steps->list[i].seconds.values);
    free(steps->list);
    json_decref(steps->plan);
}

void bench_run_steps(const struct bench_subject *subject, double seconds, struct bench_steps *steps)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    struct bench_arrays arrays;
    cop_error error;
    bench_check(cop_profile_create(&options.profile, &error), &error, "profile");
    bench_make_arrays(subject, &arrays);
    const double end = bench_now() + seconds;
    for (int k = 0; k < LEAST_RUNS || bench_now() < end; k++) {
        bench_check(cop_invoke(subject->op, subject->src_count, arrays.src, subject->dst_count,
                               arrays.dst, &options, &error),
                    &error, "invoke");
        for (size_t i = 0; i < steps->count && k >= WARM_UPS; i++) {
            cop_profile_step step;
            bench_check(cop_profile_get_step(options.profile, i, &step, &error), &error, "step");
            bench_add(&steps->list[i].seconds, (double)step.duration_ns / 1e9);
        }
    }
    bench_release_arrays(subject, &arrays);
    cop_profile_release(&options.profile);
}
