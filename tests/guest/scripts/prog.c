/* SPDX-License-Identifier: MIT
 * For cc1: no headers, so that the answer depends on the compiler alone. */
struct node {
    struct node *next;
    double weight;
    int id;
};

int total(const struct node *n, int (*f)(int))
{
    int sum = 0;

    for (; n; n = n->next) {
        sum += f(n->id) + (int)(n->weight * 1.5);
    }
    return sum;
}

void sort(int *v, int n)
{
    for (int i = 1; i < n; i++) {
        for (int j = i; j > 0 && v[j - 1] > v[j]; j--) {
            int t = v[j];
            v[j] = v[j - 1];
            v[j - 1] = t;
        }
    }
}
