// Writes nonsense where it finds what is known of its descriptors, and goes on using them.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char line[512], buf[64];
	uint64_t *mem = 0, seed = strtoull(argv[2], 0, 0);
	size_t words = 0, done = 0;
	int fd = open(argv[1], O_RDONLY), status = 0;
	for (int i = 0; i < 200; i++) {
		struct pollfd p = {fd, POLLIN, 0};
		pread(fd, buf, 8, 0);
		lseek(fd, 1, SEEK_SET);
		read(fd, buf, 8);
		poll(&p, 1, 0);
		close(dup2(fd, 90));
	}
	FILE *maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof line, maps)) {
		unsigned long from, to;
		if (strstr(line, "k42trace-descriptors") && sscanf(line, "%lx-%lx", &from, &to) == 2)
			mem = (uint64_t *)from, words = (to - from) / 8;
	}
	fclose(maps);
	printf("%s\n", mem ? "found" : "none");
	fflush(stdout);
	if (!mem)
		return 0;
	words = words < 4096 ? words : 4096; // the file behind it is no longer
	for (int i = 0; i < 3000; i++) {
		for (int j = 0; j < 8; j++) {
			seed = seed * 6364136223846793005 + 1442695040888963407;
			uint64_t v = seed >> 20;
			switch (seed >> 61) {
			case 0: v = 0; break;
			case 1: v = 1; break;
			case 2: v = 0x76000000 + (v & 0xffff00); break; // a record, or where none is
			case 3: v &= 0xffffffff; break;
			case 4: v = (v << 20) | 0x76000000; break;
			case 5: v = -v; break;
			}
			mem[(seed >> 33) % words] = v;
		}
		struct pollfd p = {fd, POLLIN, 0};
		char b[64];
		pread(fd, b, 8, i);
		read(fd, b, 8);
		lseek(fd, i, SEEK_SET);
		poll(&p, 1, 0);
		done++;
		if (i % 100 == 0)
			close(dup2(fd, 90 + i % 7));
	}
	printf("done %zu %d\n", done, status);
	return 0;
}
