/* routing/tree.h - an ordered set, intrusive: a treap.
 *
 * What the order is made of must not change while a node is in; take it out first. Equal is nobody:
 * the order ends in an id. The shape comes from a counter, so that a run with the same events is
 * the same run. A tree may sum up what its subtrees hold, so that a walk leaves out those that hold
 * nothing of interest.
 */
#ifndef ROUTING_TREE_H
#define ROUTING_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree_node {
    struct tree_node *left, *right;
    uint32_t weight;
    bool in;
};
/* True when a stands before b. */
typedef bool tree_before_fn(const struct tree_node *a, const struct tree_node *b);
/* Sums up a node and its two subtrees, whose sums are right. */
typedef void tree_sum_fn(struct tree_node *n);

struct tree {
    struct tree_node *root;
    tree_before_fn *before;
    tree_sum_fn *sum; /* NULL: nothing is summed up */
    size_t n;
    uint32_t seed;
};

void routing_tree_init(struct tree *t, tree_before_fn *before, tree_sum_fn *sum);
void routing_tree_insert(struct tree *t, struct tree_node *n);
void routing_tree_remove(struct tree *t, struct tree_node *n); /* twice is harmless */
struct tree_node *routing_tree_first(const struct tree *t);
struct tree_node *routing_tree_after(const struct tree *t, const struct tree_node *n); /* n is in */

/* A look at the nodes in order. The tree must not change meanwhile. */
struct tree_walk {
    void *ctx;
    /* true: neither this node nor its subtrees are of interest. NULL: all are. */
    bool (*skip)(void *ctx, const struct tree_node *subtree);
    /* true: the walk begins after this node, and after all before it. NULL: with the first. */
    bool (*passed)(void *ctx, const struct tree_node *n);
    /* false: enough. */
    bool (*visit)(void *ctx, struct tree_node *n);
};
void routing_tree_walk(const struct tree *t, const struct tree_walk *w);

#endif
