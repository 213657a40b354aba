package process

// kernelLargeFile is the kernel's O_LARGEFILE (asm-generic/fcntl.h), which it adds to the
// flags of whatever 64-bit programs open. For programs it is 0.
const kernelLargeFile = 0o100000
