#include <stdio.h>
#include <unistd.h>
static int deep(int n) { return n ? deep(n - 1) : *(volatile int *)0; }
int main(void) { int x; puts("up"); fflush(stdout); usleep(5000); if (x) puts("uninitialised"); fflush(stdout); return deep(3); }
