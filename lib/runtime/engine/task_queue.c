// SPDX-License-Identifier: Apache-2.0
/* Lists of tasks, linked through the tasks. */
#include "runtime/engine/engine_state.h"

void cop_task_queue_push(struct task_queue *queue, struct task *task, bool at_front)
{
    struct task **first = &queue->first[task->priority], **last = &queue->last[task->priority];
    task->queue = queue;
    task->queue_previous = at_front ? NULL : *last;
    task->queue_next = at_front ? *first : NULL;
    *(task->queue_previous != NULL ? &task->queue_previous->queue_next : first) = task;
    *(task->queue_next != NULL ? &task->queue_next->queue_previous : last) = task;
}

void cop_task_queue_remove(struct task *task)
{
    struct task_queue *queue = task->queue;
    *(task->queue_previous != NULL ? &task->queue_previous->queue_next
                                   : &queue->first[task->priority]) = task->queue_next;
    *(task->queue_next != NULL ? &task->queue_next->queue_previous : &queue->last[task->priority]) =
        task->queue_previous;
    task->queue_previous = task->queue_next = NULL;
    task->queue = NULL;
}

struct task *cop_task_queue_first(const struct task_queue *queue)
{
    for (int i = 0; i < PRIORITY_COUNT; i++)
        if (queue->first[i] != NULL)
            return queue->first[i];
    return NULL;
}

void cop_task_list_add(struct task_list *list, struct task *task)
{
    task->list_previous = list->last;
    task->list_next = NULL;
    *(list->last != NULL ? &list->last->list_next : &list->first) = task;
    list->last = task;
}

void cop_task_list_remove(struct task_list *list, struct task *task)
{
    *(task->list_previous != NULL ? &task->list_previous->list_next : &list->first) =
        task->list_next;
    *(task->list_next != NULL ? &task->list_next->list_previous : &list->last) =
        task->list_previous;
    task->list_previous = task->list_next = NULL;
}
