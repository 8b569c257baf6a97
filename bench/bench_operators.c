// SPDX-License-Identifier: Apache-2.0
#include "bench.h"
#include "peak.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct step {
    const char *name, *op, *kernel, *fused;
    double flops, bytes; /* of one run; products only count as operations */
    struct bench_samples seconds;
};

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

static void describe(const json_t *json, struct step *step)
{
    size_t i;
    json_t *tensor;
    const json_t *srcs = json_object_get(json, "src"), *dsts = json_object_get(json, "dst");
    step->name = json_string_value(json_object_get(json, "name"));
    step->op = json_string_value(json_object_get(json, "op"));
    step->kernel = json_string_value(json_object_get(json, "kernel"));
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

static void run(const struct bench_arguments *arguments, const struct bench_subject *subject,
                struct step *steps, size_t count)
{
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_ndarray *dst[BENCH_MAX_ARRAYS] = {NULL};
    cop_error error;
    bench_check(cop_profile_create(&options.profile, &error), &error, "profile");
    bench_make_outputs(subject, dst);
    const double end = bench_now() + arguments->seconds * arguments->rounds;
    for (int k = 0; k < 10 || bench_now() < end; k++) {
        bench_check(cop_invoke(subject->op, subject->src_count, subject->src, subject->dst_count,
                               dst, &options, &error),
                    &error, "invoke");
        for (size_t i = 0; i < count && k >= 3; i++) { /* the first ones warm up */
            cop_profile_step step;
            bench_check(cop_profile_get_step(options.profile, i, &step, &error), &error, "step");
            bench_add(&steps[i].seconds, (double)step.duration_ns / 1e9);
        }
    }
    for (size_t i = 0; i < subject->dst_count; i++)
        cop_ndarray_release(&dst[i]);
    cop_profile_release(&options.profile);
}

static void print(const struct bench_arguments *arguments, struct step *steps, size_t count)
{
    const double peak = peak_flops() * arguments->intra_op;
    double total = 0, flops = 0, product_seconds = 0;
    for (size_t i = 0; i < count; i++)
        total += bench_quantile(&steps[i].seconds, 0.5);
    printf("%8s %6s %9s %6s %7s  %-18s %-26s %s\n", "ms", "share", "GFLOP/s", "peak", "GB/s",
           "operator", "kernel", "name (+ fused)");
    for (size_t i = 0; i < count; i++) {
        const double seconds = bench_quantile(&steps[i].seconds, 0.5);
        const double rate = steps[i].flops / seconds;
        flops += steps[i].flops;
        product_seconds += steps[i].flops > 0 ? seconds : 0;
        printf("%8.4f %5.1f%% ", seconds * 1e3, 100 * seconds / total);
        if (steps[i].flops > 0)
            printf("%9.1f %5.1f%%", rate / 1e9, 100 * rate / peak);
        else
            printf("%9s %6s", "", "");
        printf(" %7.1f  %-18s %-26s %s%s%s\n", steps[i].bytes / seconds / 1e9, steps[i].op,
               steps[i].kernel, steps[i].name, steps[i].fused[0] != '\0' ? " + " : "",
               steps[i].fused);
    }
    printf("%8.4f ms in all; products: %.2f GFLOP, %.1f%% of the time, %.1f%% of the peak of %.1f "
           "GFLOP/s; "
           "everything: %.1f%%; reading 1 MB %.0f, 64 MB %.0f GB/s\n",
           total * 1e3, flops / 1e9, 100 * product_seconds / total,
           100 * flops / product_seconds / peak, peak / 1e9, 100 * flops / total / peak,
           peak_read(1 << 20) / 1e9, peak_read(64 << 20) / 1e9);
    bench_begin_json(stdout, "operators", arguments);
    printf(",\"total_s\":%.6f,\"flops\":%.0f,\"peak_flops\":%.0f}\n", total, flops, peak);
}

int main(int argc, char **argv)
{
    const struct bench_arguments arguments = bench_parse(
        argc, argv, "Where does the time go, and how near is it to what the machine can do?");
    struct bench_subject subject;
    char *text = NULL;
    cop_error error;
    bench_load(&arguments, &subject);
    bench_check_outputs(&arguments, &subject);
    bench_check(cop_cached_op_print_plan(subject.op, COP_PLAN_FORMAT_JSON, &text, &error), &error,
                "plan");
    json_t *plan = json_loads(text, 0, NULL);
    const json_t *list = json_object_get(plan, "steps");
    const size_t count = json_array_size(list);
    struct step *steps = calloc(count + 1, sizeof *steps);
    if (plan == NULL || steps == NULL)
        return fprintf(stderr, "the plan cannot be read\n"), 1;
    for (size_t i = 0; i < count; i++)
        describe(json_array_get(list, i), &steps[i]);
    run(&arguments, &subject, steps, count);
    print(&arguments, steps, count);
    for (size_t i = 0; i < count; i++)
        free(steps[i].seconds.values);
    free(steps);
    json_decref(plan);
    cop_text_release(&text);
    bench_release(&subject);
    return 0;
}
