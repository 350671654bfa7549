/* SPDX-License-Identifier: MIT
 *
 * Red-black tree: the textbook algorithm (Cormen et al., Introduction to
 * Algorithms, chapter 13) with NULL for the black leaves.
 *
 * Invariants: the root is black; a red node has no red child; every path from
 * a node down to a leaf passes the same number of black nodes. A rotation
 * keeps the set of nodes below its top, so it recomputes the summaries of its
 * two nodes only; insertion and removal first recompute the path up to the
 * root, then rotate.
 */
#include "lib/rbtree.h"

static bool is_red(const struct rb_node *node)
{
    return node && node->red;
}

static void summarize(struct rb_tree *tree, struct rb_node *node)
{
    if (tree->augment) {
        tree->augment(node);
    }
}

/* Makes whatever points to old point to node. */
static void relink(struct rb_tree *tree, struct rb_node *old,
                   struct rb_node *node)
{
    struct rb_node *parent = old->parent;
    if (!parent) {
        tree->root = node;
    } else if (parent->left == old) {
        parent->left = node;
    } else {
        parent->right = node;
    }
    if (node) {
        node->parent = parent;
    }
}

static void rotate_left(struct rb_tree *tree, struct rb_node *x)
{
    struct rb_node *y = x->right;
    x->right = y->left;
    if (y->left) {
        y->left->parent = x;
    }
    relink(tree, x, y);
    y->left = x;
    x->parent = y;
    summarize(tree, x);
    summarize(tree, y);
}

static void rotate_right(struct rb_tree *tree, struct rb_node *x)
{
    struct rb_node *y = x->left;
    x->left = y->right;
    if (y->right) {
        y->right->parent = x;
    }
    relink(tree, x, y);
    y->right = x;
    x->parent = y;
    summarize(tree, x);
    summarize(tree, y);
}

/* One step of insertion: parent is red, so grand exists. Returns where to go
 * on. */
static struct rb_node *insert_step(struct rb_tree *tree, struct rb_node *node)
{
    struct rb_node *parent = node->parent, *grand = parent->parent;
    bool left = parent == grand->left;
    struct rb_node *uncle = left ? grand->right : grand->left;

    if (is_red(uncle)) {
        parent->red = false;
        uncle->red = false;
        grand->red = true;
        return grand;
    }
    if (left) {
        if (node == parent->right) {
            rotate_left(tree, parent);
            parent = node;
        }
        parent->red = false;
        grand->red = true;
        rotate_right(tree, grand);
    } else {
        if (node == parent->left) {
            rotate_right(tree, parent);
            parent = node;
        }
        parent->red = false;
        grand->red = true;
        rotate_left(tree, grand);
    }
    return tree->root;
}

void rb_update(struct rb_tree *tree, struct rb_node *node)
{
    if (!tree->augment) {
        return;
    }
    for (; node; node = node->parent) {
        tree->augment(node);
    }
}

void rb_insert_at(struct rb_tree *tree, struct rb_node *node,
                  struct rb_node *parent, struct rb_node **link)
{
    node->parent = parent;
    node->left = NULL;
    node->right = NULL;
    node->red = true;
    *link = node;
    rb_update(tree, node);
    while (is_red(node->parent)) {
        node = insert_step(tree, node);
    }
    tree->root->red = false;
}

void rb_insert(struct rb_tree *tree, struct rb_node *node, rb_cmp *cmp)
{
    struct rb_node *parent = NULL, **link = &tree->root;
    while (*link) {
        parent = *link;
        link = cmp(node, parent) < 0 ? &parent->left : &parent->right;
    }
    rb_insert_at(tree, node, parent, link);
}

/* The paths through node, a black node or leaf on parent's left, lack one
 * black. Returns where they lack it then; NULL when they no longer do. */
static struct rb_node *erase_step_left(struct rb_tree *tree,
                                       struct rb_node *parent)
{
    struct rb_node *sibling = parent->right;
    if (is_red(sibling)) {
        sibling->red = false;
        parent->red = true;
        rotate_left(tree, parent);
        sibling = parent->right;
    }
    if (!is_red(sibling->left) && !is_red(sibling->right)) {
        sibling->red = true;
        return parent;
    }
    if (!is_red(sibling->right)) {
        sibling->left->red = false;
        sibling->red = true;
        rotate_right(tree, sibling);
        sibling = parent->right;
    }
    sibling->red = parent->red;
    parent->red = false;
    sibling->right->red = false;
    rotate_left(tree, parent);
    return NULL;
}

/* The mirror image. */
static struct rb_node *erase_step_right(struct rb_tree *tree,
                                        struct rb_node *parent)
{
    struct rb_node *sibling = parent->left;
    if (is_red(sibling)) {
        sibling->red = false;
        parent->red = true;
        rotate_right(tree, parent);
        sibling = parent->left;
    }
    if (!is_red(sibling->left) && !is_red(sibling->right)) {
        sibling->red = true;
        return parent;
    }
    if (!is_red(sibling->left)) {
        sibling->right->red = false;
        sibling->red = true;
        rotate_left(tree, sibling);
        sibling = parent->left;
    }
    sibling->red = parent->red;
    parent->red = false;
    sibling->left->red = false;
    rotate_right(tree, parent);
    return NULL;
}

/* node may be NULL (a leaf), so its parent is given. */
static void erase_fixup(struct rb_tree *tree, struct rb_node *node,
                        struct rb_node *parent)
{
    while (parent && !is_red(node)) {
        node = node == parent->left ? erase_step_left(tree, parent)
                                    : erase_step_right(tree, parent);
        if (!node) {
            return;
        }
        parent = node->parent;
    }
    if (node) {
        node->red = false;
    }
}

struct rb_node *rb_dismantle(struct rb_tree *tree)
{
    struct rb_node *node = tree->root, **link = &tree->root;

    while (node && (node->left || node->right)) {
        link = node->left ? &node->left : &node->right;
        node = *link;
    }
    *link = NULL;
    return node;
}

void rb_replace(struct rb_tree *tree, struct rb_node *old, struct rb_node *node)
{
    node->left = old->left;
    node->right = old->right;
    node->red = old->red;
    relink(tree, old, node);
    if (node->left) {
        node->left->parent = node;
    }
    if (node->right) {
        node->right->parent = node;
    }
    rb_update(tree, node);
}

void rb_erase(struct rb_tree *tree, struct rb_node *node)
{
    /* With two children, the next in order, which has no left child, leaves
     * its own place and takes node's. */
    struct rb_node *heir = NULL, *gone = node;
    if (node->left && node->right) {
        heir = node->right;
        while (heir->left) {
            heir = heir->left;
        }
        gone = heir;
    }
    struct rb_node *child = gone->left ? gone->left : gone->right;
    struct rb_node *parent = gone->parent;
    bool lost_black = !gone->red;

    relink(tree, gone, child);
    if (heir) {
        if (parent == node) {
            parent = heir;
        }
        rb_replace(tree, node, heir);
    }
    rb_update(tree, parent);
    if (lost_black) {
        erase_fixup(tree, child, parent);
    }
}

struct rb_node *rb_find(const struct rb_tree *tree, const void *key,
                        int (*cmp)(const void *key, const struct rb_node *))
{
    struct rb_node *node = tree->root;
    while (node) {
        int order = cmp(key, node);
        if (order == 0) {
            break;
        }
        node = order < 0 ? node->left : node->right;
    }
    return node;
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
    struct rb_node *node = tree->root;
    while (node && node->left) {
        node = node->left;
    }
    return node;
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
    struct rb_node *node = tree->root;
    while (node && node->right) {
        node = node->right;
    }
    return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
    if (node->right) {
        struct rb_node *n = node->right;
        while (n->left) {
            n = n->left;
        }
        return n;
    }
    while (node->parent && node == node->parent->right) {
        node = node->parent;
    }
    return node->parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
    if (node->left) {
        struct rb_node *n = node->left;
        while (n->right) {
            n = n->right;
        }
        return n;
    }
    while (node->parent && node == node->parent->left) {
        node = node->parent;
    }
    return node->parent;
}
