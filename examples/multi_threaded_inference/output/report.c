// SPDX-License-Identifier: Apache-2.0
#include "output/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "output/json.h"

static const char *device_name(cop_device device, char text[32])
{
    switch (device.kind) {
    case COP_DEVICE_CPU:
        return "cpu";
    case COP_DEVICE_REF:
        return "ref";
    default:
        snprintf(text, 32, "gpu:%d", device.index);
        return text;
    }
}

static void print_shape(FILE *file, const cop_tensor_desc *desc, const char *separator)
{
    for (int i = 0; i < desc->rank; i++)
        fprintf(file, "%s%" PRId64, i ? separator : "", desc->shape[i]);
}

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

void report_failure(const struct options *options, const char *text)
{
    fflush(stdout);
    fprintf(stderr, PROGRAM_NAME ": %s\n", text);
    if (options->json) {
        fputs("{\"error\":", stdout);
        json_string(stdout, text);
        fputs("}\n", stdout);
    }
}

void report_begin(const struct report *report)
{
    const struct session *session = report->session;
    char device[32];
    if (report->options->json)
        return;
    printf("%s: input '%s' %s ", session->name, session->input.name,
           cop_dtype_name(session->input.dtype));
    print_shape(stdout, &session->input, "x");
    printf(", %zu classes, loaded in %.1f ms, compiled in %.1f ms\n", session->class_count,
           session->load_ms, session->create_ms);
    printf("%zu image%s, %zu thread%s%s, one cached operator on %s\n\n",
           report->options->image_count, report->options->image_count == 1 ? "" : "s",
           report->threads, report->threads == 1 ? "" : "s",
           report->options->async ? " and the engine" : "",
           device_name(report->options->device, device));
    fflush(stdout);
}

static void print_job(const struct report *report, const struct job *job)
{
    printf("%s  (prepared in %.1f ms, classified in %.1f ms)\n", job->path,
           (double)job->prepare_ns / 1e6, (double)job->latency_ns / 1e6);
    for (size_t i = 0; i < job->top_count; i++) {
        char buffer[LABEL_BYTES];
        const struct ranked_class *ranked = &job->top[i];
        printf("  %6zu  %*.*f  %s\n", ranked->index, report->options->raw ? 12 : 7, 4,
               ranked->score, labels_name(&report->session->labels, ranked->index, buffer));
    }
    putchar('\n');
}

static void print_job_json(const struct report *report, const struct job *job)
{
    fputs("{\"file\":", stdout);
    json_string(stdout, job->path);
    fputs(",\"top\":[", stdout);
    for (size_t i = 0; i < job->top_count; i++) {
        char buffer[LABEL_BYTES];
        const struct ranked_class *ranked = &job->top[i];
        printf("%s{\"class\":%zu,\"label\":", i ? "," : "", ranked->index);
        json_string(stdout, labels_name(&report->session->labels, ranked->index, buffer));
        fputs(",\"score\":", stdout);
        json_number(stdout, ranked->score);
        putchar('}');
    }
    fputs("],\"latency_ms\":", stdout);
    json_number(stdout, (double)job->latency_ns / 1e6);
    fputs(",\"prepare_ms\":", stdout);
    json_number(stdout, (double)job->prepare_ns / 1e6);
    fputs("}\n", stdout);
}

void report_job(const struct report *report, const struct job *job)
{
    if (job->good) {
        (report->options->json ? print_job_json : print_job)(report, job);
    } else {
        const char *error = job->error ? job->error : "out of memory";
        fflush(stdout); /* keeps the order where both go to one place */
        fprintf(stderr, PROGRAM_NAME ": %s: %s\n", job->path, error);
        if (report->options->json) {
            fputs("{\"file\":", stdout);
            json_string(stdout, job->path);
            fputs(",\"error\":", stdout);
            json_string(stdout, error);
            fputs("}\n", stdout);
        }
    }
    fflush(stdout);
}

static void print_profile(const cop_profile *profile, double total_ns)
{
    puts("Steps of one invocation");
    printf("  %9s %6s  %-18s %-28s %s\n", "ms", "%", "operator", "kernel", "node");
    for (size_t i = 0; i < cop_profile_step_count(profile); i++) {
        cop_profile_step step;
        if (cop_profile_get_step(profile, i, &step, NULL))
            continue;
        printf("  %9.3f %6.1f  %-18s %-28s %s\n", (double)step.duration_ns / 1e6,
               percent((double)step.duration_ns, total_ns), step.op, step.kernel, step.name);
    }
    printf("  %9.3f  total\n\n", total_ns / 1e6);
}

static void print_profile_json(const cop_profile *profile)
{
    fputs("{\"profile\":[", stdout);
    for (size_t i = 0; i < cop_profile_step_count(profile); i++) {
        cop_profile_step step;
        if (cop_profile_get_step(profile, i, &step, NULL))
            continue;
        fputs(i ? ",{\"name\":" : "{\"name\":", stdout);
        json_string(stdout, step.name);
        fputs(",\"op\":", stdout);
        json_string(stdout, step.op);
        fputs(",\"kernel\":", stdout);
        json_string(stdout, step.kernel);
        printf(",\"start_ns\":%" PRId64 ",\"duration_ns\":%" PRId64 "}", step.start_ns,
               step.duration_ns);
    }
    fputs("]}\n", stdout);
}

void report_profile(const struct report *report, const cop_profile *profile)
{
    double total_ns = 0;
    for (size_t i = 0; i < cop_profile_step_count(profile); i++) {
        cop_profile_step step;
        if (cop_profile_get_step(profile, i, &step, NULL) == COP_STATUS_OK)
            total_ns += (double)step.duration_ns;
    }
    if (report->options->json)
        print_profile_json(profile);
    else
        print_profile(profile, total_ns);
}

static void print_summary(const struct summary *summary, double rate,
                          const cop_cached_op_stats *stats)
{
    const struct statistics *statistics = summary->statistics;
    printf("%zu classified, %zu failed", summary->classified, summary->failed);
    if (summary->cancelled > 0)
        printf(", %zu cancelled", summary->cancelled);
    putchar('\n');
    printf("%s: %" PRIu64 " in %.2f s, %.1f images/s; p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, "
           "max %.2f ms\n",
           summary->loaded ? "load" : "invocations", statistics->count, summary->seconds, rate,
           statistics_quantile_ms(statistics, 0.5), statistics_quantile_ms(statistics, 0.9),
           statistics_quantile_ms(statistics, 0.99), statistics_largest_ms(statistics));
    if (summary->loaded)
        printf("results that differ from the first, to the bit: %" PRIu64 "\n", summary->different);
    printf("memory: %.2f MB of weights, once; %.2f MB for each of %zu contexts\n",
           (double)stats->packed_weight_bytes / 1e6, (double)stats->context_bytes / 1e6,
           stats->contexts);
}

static void print_quantiles_json(const struct statistics *statistics)
{
    static const struct {
        const char *name;
        double fraction;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
    fputs(",\"latency_ms\":{", stdout);
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        printf("\"%s\":", quantiles[i].name);
        json_number(stdout, statistics_quantile_ms(statistics, quantiles[i].fraction));
        putchar(',');
    }
    fputs("\"max\":", stdout);
    json_number(stdout, statistics_largest_ms(statistics));
    putchar('}');
}

static void print_summary_json(const struct report *report, const struct summary *summary,
                               double rate, const cop_cached_op_stats *stats)
{
    char device[32];
    fputs("{\"summary\":{\"model\":", stdout);
    json_string(stdout, report->session->name);
    fputs(",\"input\":{\"name\":", stdout);
    json_string(stdout, report->session->input.name);
    printf(",\"dtype\":\"%s\",\"shape\":[", cop_dtype_name(report->session->input.dtype));
    print_shape(stdout, &report->session->input, ",");
    printf("]},\"device\":\"%s\",\"threads\":%zu,\"async\":%s",
           device_name(report->options->device, device), report->threads,
           report->options->async ? "true" : "false");
    printf(",\"images\":%zu,\"classified\":%zu,\"failed\":%zu,\"cancelled\":%zu",
           summary->classified + summary->failed + summary->cancelled, summary->classified,
           summary->failed, summary->cancelled);
    printf(",\"invocations\":%" PRIu64 ",\"seconds\":", summary->statistics->count);
    json_number(stdout, summary->seconds);
    fputs(",\"images_per_second\":", stdout);
    json_number(stdout, rate);
    print_quantiles_json(summary->statistics);
    if (summary->loaded)
        printf(",\"different_results\":%" PRIu64, summary->different);
    fputs(",\"load_ms\":", stdout);
    json_number(stdout, report->session->load_ms);
    fputs(",\"compile_ms\":", stdout);
    json_number(stdout, report->session->create_ms);
    printf(",\"packed_weight_bytes\":%zu,\"context_bytes\":%zu,\"contexts\":%zu}}\n",
           stats->packed_weight_bytes, stats->context_bytes, stats->contexts);
}

void report_summary(const struct report *report, const struct summary *summary)
{
    cop_cached_op_stats stats = {.struct_size = sizeof(stats)};
    cop_error error;
    if (cop_cached_op_get_stats(report->session->op, &stats, &error))
        report_failure(report->options, error.message);
    double rate = summary->seconds > 0 ? (double)summary->statistics->count / summary->seconds : 0;
    if (report->options->json)
        print_summary_json(report, summary, rate, &stats);
    else
        print_summary(summary, rate, &stats);
}
