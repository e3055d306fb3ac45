/* routing/tree.c - treap by rotation-free split and merge; depth is about 2 log n, so recursion is
 * shallow. */
#include "routing/tree.h"

#include <assert.h>

void routing_tree_init(struct tree *t, tree_before_fn *before) {
    *t = (struct tree){.before = before, .seed = 2463534242u};
}

static uint32_t next_weight(struct tree *t) {
    t->seed ^= t->seed << 13;
    t->seed ^= t->seed >> 17;
    t->seed ^= t->seed << 5;
    return t->seed;
}

/* What stands before `at` goes left, the rest right. */
static void split(const struct tree *t, struct tree_node *root, const struct tree_node *at,
                  struct tree_node **left, struct tree_node **right) {
    if (!root) {
        *left = *right = NULL;
    } else if (t->before(root, at)) {
        *left = root;
        split(t, root->right, at, &root->right, right);
    } else {
        *right = root;
        split(t, root->left, at, left, &root->left);
    }
}

static struct tree_node *merge(struct tree_node *left, struct tree_node *right) {
    if (!left)
        return right;
    if (!right)
        return left;
    if (left->weight > right->weight) {
        left->right = merge(left->right, right);
        return left;
    }
    right->left = merge(left, right->left);
    return right;
}

void routing_tree_insert(struct tree *t, struct tree_node *n) {
    assert(!n->in);
    *n = (struct tree_node){.weight = next_weight(t), .in = true};
    struct tree_node **at = &t->root;
    while (*at && (*at)->weight >= n->weight)
        at = t->before(*at, n) ? &(*at)->right : &(*at)->left;
    split(t, *at, n, &n->left, &n->right);
    *at = n;
    t->n++;
}

void routing_tree_remove(struct tree *t, struct tree_node *n) {
    if (!n->in)
        return;
    struct tree_node **at = &t->root;
    while (*at != n) {
        assert(*at);
        at = t->before(*at, n) ? &(*at)->right : &(*at)->left;
    }
    *at = merge(n->left, n->right);
    *n = (struct tree_node){0};
    t->n--;
}

struct tree_node *routing_tree_first(const struct tree *t) {
    struct tree_node *n = t->root;
    while (n && n->left)
        n = n->left;
    return n;
}

struct tree_node *routing_tree_after(const struct tree *t, const struct tree_node *n) {
    struct tree_node *best = NULL;
    for (struct tree_node *at = t->root; at;) {
        if (t->before(n, at)) {
            best = at;
            at = at->left;
        } else {
            at = at->right;
        }
    }
    return best;
}
