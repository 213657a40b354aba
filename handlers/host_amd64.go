package handlers

import "github.com/k42trace/k42trace/table"

const hostABI = table.AMD64

// largeFile is the kernel's O_LARGEFILE, which package unix has as 0.
const largeFile = 0o100000
