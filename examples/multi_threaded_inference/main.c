// SPDX-License-Identifier: Apache-2.0
/*
 * multi_threaded_inference: classifies images with many threads through one cached operator.
 *
 * session.c loads the model and compiles it once; classify.c has the threads, of which each takes
 * the next image, prepares it (image/, preprocess.c) and invokes the operator (invoker.c); report.c
 * prints the results in the order of the images.
 */
#include <stdio.h>
#include <stdlib.h>

#include <cachedop/cachedop.h>

#include "running/classify.h"
#include "running/clock.h"
#include "running/load.h"
#include "options.h"
#include "output/report.h"
#include "running/session.h"
#include "output/statistics.h"

#define DEFAULT_MAX_THREADS 256

enum exit_code { EXIT_CLASSIFIED = 0, EXIT_SOME_FAILED = 1, EXIT_USAGE = 2 };

static void print_version(void)
{
    size_t count;
    const cop_feature *features = cop_features(&count);
    printf(PROGRAM_NAME " %s", cop_version());
    for (size_t i = 0; i < count; i++)
        if (features[i].enabled)
            printf("%s%s%s%s", i ? ", " : " with ", features[i].name,
                   features[i].version[0] ? " " : "", features[i].version);
    putchar('\n');
}

/* Prints results as they come, in the order of the images. */
static bool report_jobs(const struct report *report, struct classification *classification,
                        struct summary *summary, struct statistics *statistics)
{
    for (size_t i = 0; i < classification->job_count; i++) {
        const struct job *job = classify_wait(classification, i);
        report_job(report, job);
        if (job->good) {
            summary->classified++;
            statistics_add(statistics, job->latency_ns);
        } else {
            summary->failed++;
        }
    }
    return summary->failed == 0;
}

/* One more invocation of the first image that was classified. */
static bool profile(const struct report *report, const struct classification *classification,
                    struct failure *failure)
{
    const struct session *session = report->session;
    size_t index = 0;
    while (index < classification->job_count && !classification->jobs[index].src)
        index++;
    if (index == classification->job_count)
        return failure_set(failure, "no image was classified: nothing to profile");
    cop_invoke_options options = COP_INVOKE_OPTIONS_INIT;
    cop_error error;
    cop_ndarray **dst = calloc(session->output_count, sizeof(cop_ndarray *));
    if (!dst)
        return failure_set(failure, "out of memory");
    bool good = true;
    if (cop_profile_create(&options.profile, &error) ||
        cop_invoke(session->op, 1, &classification->jobs[index].src, session->output_count, dst,
                   &options, &error))
        good = session_failure(failure, &error);
    else
        report_profile(report, options.profile);
    for (size_t i = 0; i < session->output_count; i++)
        cop_ndarray_release(&dst[i]);
    free(dst);
    cop_profile_release(&options.profile);
    return good;
}

/* Repeats the work under load, whose figures replace those of the first round. */
static bool run_load(const struct report *report, const struct classification *classification,
                     struct summary *summary, struct load_result *result, struct failure *failure)
{
    if (!report->options->repeat && report->options->duration_s <= 0)
        return true;
    if (!load_run(classification, report->threads, result, failure))
        return false;
    summary->loaded = true;
    summary->statistics = result->statistics;
    summary->seconds = result->seconds;
    summary->different = result->different;
    if (result->failed)
        *failure = result->failure;
    return !result->failed && (result->different == 0 ||
                               failure_set(failure, "the same image gave different results"));
}

/* All that follows the first round. Reports failures. */
static bool finish(const struct report *report, const struct classification *classification,
                   struct summary *summary)
{
    const struct options *options = report->options;
    struct failure failure;
    struct load_result result = {0};
    bool good = true;
    if (options->profile && !profile(report, classification, &failure)) {
        report_failure(options, failure.text);
        good = false;
    }
    if (!run_load(report, classification, summary, &result, &failure)) {
        report_failure(options, failure.text);
        good = false;
    }
    cop_error error;
    if (options->async && cop_wait_all(report->session->op, COP_NO_TIMEOUT, NULL, &error)) {
        report_failure(options, error.message);
        good = false;
    }
    if (classification->trace && cop_trace_write(classification->trace, options->trace, &error)) {
        report_failure(options, error.message);
        good = false;
    }
    report_summary(report, summary);
    free(result.statistics);
    return good;
}

static bool classify_all(const struct report *report, struct classification *classification)
{
    struct summary summary = {0};
    struct statistics *statistics = calloc(1, sizeof(*statistics));
    if (!statistics) {
        report_failure(report->options, "out of memory");
        return false;
    }
    bool good = report_jobs(report, classification, &summary, statistics);
    classify_finish(classification);
    summary.seconds = (double)(clock_ns() - classification->start_ns) / 1e9;
    summary.statistics = statistics;
    good = finish(report, classification, &summary) && good;
    free(statistics);
    return good;
}

static bool run_session(const struct report *report)
{
    const struct options *options = report->options;
    struct classification classification = {0};
    struct failure failure;
    cop_trace *trace = NULL;
    cop_error error;
    if (options->trace && cop_trace_create(0, &trace, &error)) {
        report_failure(options, error.message);
        return false;
    }
    report_begin(report);
    bool keep = options->profile || options->repeat || options->duration_s > 0;
    bool good = classify_start(&classification, report->session, options, report->threads, keep,
                               trace, &failure);
    if (good)
        good = classify_all(report, &classification);
    else
        report_failure(options, failure.text);
    classify_release(&classification);
    cop_trace_release(&trace);
    return good;
}

/* Whether everything printed so far has arrived. */
static bool output_is_whole(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    fputs(PROGRAM_NAME ": standard output cannot be written\n", stderr);
    return false;
}

int main(int argument_count, char **arguments)
{
    struct options options;
    struct failure failure;
    if (argument_count < 2) {
        options_print_help(stderr);
        return EXIT_USAGE;
    }
    if (!options_parse(argument_count, arguments, &options, &failure)) {
        fprintf(stderr, PROGRAM_NAME ": %s\nTry '" PROGRAM_NAME " --help'.\n", failure.text);
        return EXIT_USAGE;
    }
    if (options.help || options.version) {
        options.help ? options_print_help(stdout) : print_version();
        return output_is_whole() ? EXIT_CLASSIFIED : EXIT_SOME_FAILED;
    }
    size_t threads = options.threads ? (size_t)options.threads : options.image_count;
    if (!options.threads && threads > DEFAULT_MAX_THREADS)
        threads = DEFAULT_MAX_THREADS;
    struct session session;
    if (!session_open(&session, &options, (int)threads, &failure)) {
        report_failure(&options, failure.text);
        return session.usage_error ? EXIT_USAGE : EXIT_SOME_FAILED;
    }
    const struct report report = {&options, &session, threads};
    bool good = run_session(&report);
    session_close(&session);
    return output_is_whole() && good ? EXIT_CLASSIFIED : EXIT_SOME_FAILED;
}
