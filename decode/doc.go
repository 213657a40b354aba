// Package decode turns system calls into values and values into text.
//
// It owns the decoding (child memory to typed Values, driven by table.Signature)
// and the renderers (strace's text). It does not own where the output goes, nor
// the lines: which thread's call is interrupted by which is package handlers'
// business.
package decode
