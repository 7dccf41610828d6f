package main

import (
	"bufio"
	"io"
	"os"
	"strings"
	"sync"
)

// What is logged; variables, so that nothing is known at compile time.
var (
	message    = "order accepted"
	escMessage = strings.Repeat(block, 5) + korean + tail
	orderID    = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
	customer   = "Maria Schneider"
	payment    = "visa-4242"
	currency   = "EUR"
	path       = "/api/v1/orders/checkout"
	amount     = 1234.56
	items      = 3
	shard      = 17
	gift       = true
	requestID  = "7f1c0d52-3e0b-4b8e-9a64-5c1f2a7be310"
	user       = "u-1029384"
	tenant     = "acme-eu"
)

const (
	timeFormat = "2006-01-02T15:04:05.000000Z07:00"
	korean     = "주문이 접수됨 고객님"
	block      = korean + "\t\"a\" \"bc\" \"def\" \"ghij\" the quick brown fox jumps over the lazy dog while the weaver carries " +
		"the thread from warp to warp, and back again\t"
	tail = " and that is the end of the story that this message has to tell: nothing more, nothing less, and quite some bytes more " +
		"than it would need"
)

func latency(i int) int { return 20000 + i%10000 }

func escOr(kind string) string {
	if kind == "ESC" {
		return escMessage
	}
	return message
}

// A file, written to directly, or through 64 KiB under a lock.
type output struct {
	file     *os.File
	buffer   *bufio.Writer
	lock     sync.Mutex
	buffered bool
}

func (o *output) openFile(path string) (err error) {
	o.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err == nil && o.buffered {
		o.buffer = bufio.NewWriterSize(o.file, 65536)
	}
	return err
}

func (o *output) Write(line []byte) (int, error) {
	if !o.buffered {
		return o.file.Write(line)
	}
	o.lock.Lock()
	defer o.lock.Unlock()
	return o.buffer.Write(line)
}

func (o *output) Sync() error { // zap's
	o.drain()
	return nil
}

func (o *output) drain() {
	if o.buffered {
		o.lock.Lock()
		o.buffer.Flush()
		o.lock.Unlock()
	}
}

var _ io.Writer = (*output)(nil)
