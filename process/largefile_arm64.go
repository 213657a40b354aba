package process

// kernelLargeFile is the kernel's O_LARGEFILE (arch/arm64/include/uapi/asm/fcntl.h), which
// it adds to the flags of whatever 64-bit programs open. For programs it is 0.
const kernelLargeFile = 0o400000
