// SPDX-License-Identifier: Apache-2.0
/*
 * Sound arguments for every function of MXNet's C API, by the names of their parameters, made anew
 * for each call. A test spoils one of them and looks what the function says.
 */
#ifndef TEST_MXNET_MX_STAGE_H
#define TEST_MXNET_MX_STAGE_H

#include <stdbool.h>
#include <stdint.h>

union mx_argument {
    void *pointer;
    int64_t number;
};

struct mx_parameter {
    const char *type, *name;
    int is_pointer;
};

struct mx_function {
    const char *name;
    int count;
    const struct mx_parameter *parameters;
    int (*call)(const union mx_argument *arguments);
};

enum stage_use {
    USE_ROOM,     /* where the function writes; zeros before */
    USE_NUMBER,   /* any number may be tried */
    USE_COUNT,    /* how long other arguments are: what is too long is the caller's mistake */
    USE_SIZE,     /* how many bytes another argument has */
    USE_HANDLE,   /* an object */
    USE_HANDLES,  /* a list of them */
    USE_OPERATOR, /* valid for ever */
    USE_TEXT,
    USE_TEXTS,
    USE_NUMBERS, /* a list */
    USE_BYTES,   /* whose size is another argument */
    USE_NOTHING, /* NULL, which is looked at nowhere */
};

#define STAGE_MOST 40 /* parameters of one function */
#define STAGE_LIST 64 /* entries of each list; behind those that count NULL or 0 */

union stage_list {
    void *pointers[STAGE_LIST];
    int32_t numbers[2 * STAGE_LIST];
    int64_t wide[STAGE_LIST];
};

struct stage {
    const struct mx_function *function;
    enum stage_use uses[STAGE_MOST];
    union mx_argument arguments[STAGE_MOST];
    union stage_list lists[STAGE_MOST]; /* rooms and lists, one a parameter */
    void *made[STAGE_LIST];             /* objects to free afterwards */
    int made_count;
};

/* Once for a process: files, bytes. And away with them. */
void stage_begin(void);
void stage_end(void);

/* Makes the arguments; what they point to may be changed. */
void stage_set(struct stage *stage, const struct mx_function *function);

/* Frees what the arguments were made of, and what the function gave out when it said `result`. */
void stage_clear(struct stage *stage, int result);

/* Where an argument is, by its name; −1: the function has none of that name. */
int stage_find(const struct stage *stage, const char *name);

/* An object of each kind, of nobody's; NULL: there are no more than `index`. Frees it with
 * stage_free, by its kind. */
void *stage_object(int index);
void stage_free(void *object);

#endif
