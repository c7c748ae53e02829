/* list.h - intrusive doubly-linked ring. The head is a node of its own; an unlinked node points to itself.
 * Owns nothing. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTHORN_BASE_LIST_H
#define POSTHORN_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_OWNER(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))
#define LIST_FOR_EACH(it, head)        for (struct list *it = (head)->next; it != (head); it = it->next)
/* As LIST_FOR_EACH; the body may remove `it`. */
#define LIST_FOR_EACH_SAFE(it, head)                                                                                             \
    for (struct list *it = (head)->next, *it##_next = it->next; it != (head); it = it##_next, it##_next = it->next)

static inline void list_init(struct list *l) {
    l->next = l->prev = l;
}
static inline bool list_is_empty(const struct list *l) {
    return l->next == l;
}
static inline void list_add_tail(struct list *head, struct list *node) {
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}
static inline void list_add_head(struct list *head, struct list *node) {
    list_add_tail(head->next, node);
}
/* Unlink; safe on a node that is not linked (but initialised). */
static inline void list_remove(struct list *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}
/* First node unlinked and returned; NULL when empty. */
static inline struct list *list_pop(struct list *head) {
    if (list_is_empty(head)) return NULL;
    struct list *node = head->next;
    list_remove(node);
    return node;
}

#endif
