package handlers

import "github.com/k42trace/k42trace/table"

const hostABI = table.ARM64
