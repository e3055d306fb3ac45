/* routing/tree.c - treap by rotation-free split and merge; depth is about 2 log n, so recursion is
 * shallow. */
#include "routing/tree.h"

#include <assert.h>

void routing_tree_init(struct tree *t, tree_before_fn *before, tree_sum_fn *sum) {
    *t = (struct tree){.before = before, .sum = sum, .seed = 2463534242u};
}

static uint32_t next_weight(struct tree *t) {
    t->seed ^= t->seed << 13;
    t->seed ^= t->seed >> 17;
    t->seed ^= t->seed << 5;
    return t->seed;
}

static struct tree_node *summed(const struct tree *t, struct tree_node *n) {
    if (t->sum)
        t->sum(n);
    return n;
}

/* What stands before `at` goes left, the rest right. */
static void split(const struct tree *t, struct tree_node *root, const struct tree_node *at,
                  struct tree_node **left, struct tree_node **right) {
    if (!root) {
        *left = *right = NULL;
    } else if (t->before(root, at)) {
        *left = root;
        split(t, root->right, at, &root->right, right);
        summed(t, root);
    } else {
        *right = root;
        split(t, root->left, at, left, &root->left);
        summed(t, root);
    }
}

static struct tree_node *merge(const struct tree *t, struct tree_node *left,
                               struct tree_node *right) {
    if (!left)
        return right;
    if (!right)
        return left;
    if (left->weight > right->weight) {
        left->right = merge(t, left->right, right);
        return summed(t, left);
    }
    right->left = merge(t, left, right->left);
    return summed(t, right);
}

static struct tree_node *insert(const struct tree *t, struct tree_node *root, struct tree_node *n) {
    if (root && root->weight >= n->weight) {
        if (t->before(root, n))
            root->right = insert(t, root->right, n);
        else
            root->left = insert(t, root->left, n);
        return summed(t, root);
    }
    split(t, root, n, &n->left, &n->right);
    return summed(t, n);
}

void routing_tree_insert(struct tree *t, struct tree_node *n) {
    assert(!n->in);
    *n = (struct tree_node){.weight = next_weight(t), .in = true};
    t->root = insert(t, t->root, n);
    t->n++;
}

static struct tree_node *without(const struct tree *t, struct tree_node *root,
                                 struct tree_node *n) {
    assert(root);
    if (root == n)
        return merge(t, n->left, n->right);
    if (t->before(root, n))
        root->right = without(t, root->right, n);
    else
        root->left = without(t, root->left, n);
    return summed(t, root);
}

void routing_tree_remove(struct tree *t, struct tree_node *n) {
    if (!n->in)
        return;
    t->root = without(t, t->root, n);
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

/* false: enough. */
static bool walk(const struct tree_walk *w, struct tree_node *n) {
    if (!n || (w->skip && w->skip(w->ctx, n)))
        return true;
    if (w->passed && w->passed(w->ctx, n))
        return walk(w, n->right);
    return walk(w, n->left) && w->visit(w->ctx, n) && walk(w, n->right);
}

void routing_tree_walk(const struct tree *t, const struct tree_walk *w) {
    walk(w, t->root);
}
