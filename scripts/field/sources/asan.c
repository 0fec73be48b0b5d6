#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static int read_it(int *p) { return p[0]; }
int main(void) {
    fprintf(stderr, "worker: start\n"); fprintf(stderr, "worker: item 1\n");
    usleep(10000);
    int *p = malloc(16); free(p);
    return read_it(p);
}
