#include <stdio.h>
struct order { int id; };
int total(struct order *o) { return o->count; }
int main(void) { int unused; char *s = 7; printf("%s\n", total(0)); return x; }
