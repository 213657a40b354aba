package virtual

// largeFile is O_LARGEFILE, which the kernel sets for 64-bit programs.
const largeFile = 0x20000
