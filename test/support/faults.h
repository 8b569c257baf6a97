// SPDX-License-Identifier: Apache-2.0
/*
 * Failing the n-th occurrence of something, for n = 1, 2, 3 … until nothing is left to fail, in
 * scenarios of what a program does with the library. After each: a status that is allowed and says
 * something, no result, nothing lost (memory, descriptors), the same call succeeds when tried
 * again, and other objects still give the same bits.
 *
 * Each scenario runs in a process of its own; what goes wrong is printed with scenario, fault and
 * number.
 */
#ifndef TEST_SUPPORT_FAULTS_H
#define TEST_SUPPORT_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cachedop/cachedop.h>

/* What fails. */
struct fault {
    const char *name; /* such as "allocation, once" */
    /* From now on the `number`-th occurrence, counted from 1, fails, as `argument` says. */
    void (*arm)(const struct fault *fault, int64_t number);
    /* Ends it; whether it was reached. */
    bool (*disarm)(const struct fault *fault);
    int64_t argument[3];
    uint32_t statuses; /* bit s: it may become cop_status s; 0: the caller must not notice it */
    uint32_t kinds;    /* scenarios it is for: those that have one of these bits */
};

#define MAY_BE(status) (UINT32_C(1) << COP_STATUS_##status)

/* What a scenario works with; everything is released, and the files removed, at its end. */
struct stage {
    const void *argument; /* the scenario's */
    cop_model *model;
    cop_cached_op *op, *made; /* `made` by what is tested */
    cop_ndarray *src, *dst, *extra;
    cop_trace *trace;
    cop_profile *profile;
    char *text;
    char path[128];  /* of the model or of what is written */
    uint64_t digest; /* of results, set by act or by finish after a success; 0: there are none */
};

struct scenario {
    const char *name;
    const void *argument;
    void (*prepare)(struct stage *stage);                     /* without faults; NULL: nothing */
    cop_status (*act)(struct stage *stage, cop_error *error); /* with them */
    void (*finish)(struct stage *stage); /* after a success, without faults; NULL: nothing */
    /* After each act, without faults: what must hold with this status; NULL: nothing. */
    void (*check)(const struct stage *stage, cop_status status, const cop_error *error);
    cop_status expected; /* without faults */
    bool is_first;       /* each try is the first thing a process does with the library */
    uint32_t kinds;
    int64_t least; /* faults that must have been reached: it did what its name says */
};

/*
 * Runs every scenario with every fault that is for it. With "--count" as the program's only
 * argument the number of faults injected is all it prints. Returns main's result.
 */
int run_scenarios(const struct scenario *scenarios, size_t scenario_count,
                  const struct fault *faults, size_t fault_count, int argc, char **argv);

/* Ends the process, saying where, if something is not as it must be. */
void require(bool is_right, const char *format, ...) COP_PRINTF(2, 3);

/* What a call makes is there when it succeeded, and only then; `what` it is, such as "a model". */
void require_result(cop_status status, const void *result, const char *what);

/* A folder of this process, for files; removed at the end. Files are written whole. */
const char *scratch_folder(void);
void write_file(const char *path, const void *bytes, size_t size);

/* Invokes with inputs that are always the same; the digest of all outputs, never 0. */
uint64_t digest_of(cop_cached_op *op);

#endif
