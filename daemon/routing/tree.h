/* routing/tree.h - an ordered set, intrusive: a treap.
 *
 * What the order is made of must not change while a node is in; take it out first. Equal is nobody:
 * the order ends in an id. The shape comes from a counter, so that a run with the same events is
 * the same run.
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

struct tree {
    struct tree_node *root;
    tree_before_fn *before;
    size_t n;
    uint32_t seed;
};

void routing_tree_init(struct tree *t, tree_before_fn *before);
void routing_tree_insert(struct tree *t, struct tree_node *n);
void routing_tree_remove(struct tree *t, struct tree_node *n); /* twice is harmless */
struct tree_node *routing_tree_first(const struct tree *t);
struct tree_node *routing_tree_after(const struct tree *t, const struct tree_node *n); /* n is in */

#endif
