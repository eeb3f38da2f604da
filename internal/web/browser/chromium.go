package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// Chromium is one browser process, in which each Tab has a browser context of its own.
type Chromium struct {
	ctx  context.Context
	stop []context.CancelFunc

	axe func() (string, error) // the source of axe-core, read once
}

// names are the programs that are tried, Debian's first.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// shared is the browser of all tests of this process. Stop ends it.
var shared struct {
	sync.Mutex
	chromium *Chromium // guarded by Mutex; nil before the first tab
	err      error     // guarded by Mutex; why there is none
}

// installed returns the path of a browser, "" if there is none.
func installed() string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// required reports whether a machine without a browser makes tests fail.
func required() bool { return os.Getenv("CI") == "true" }

// Shared returns the browser of this process, and starts it at its first call. Without a
// browser on this machine the test is skipped, or fails in CI.
func Shared(t testing.TB) *Chromium {
	t.Helper()
	path := installed()
	switch {
	case path == "" && required():
		t.Fatal("no chromium is installed, and CI needs one: apt-get install chromium")
	case path == "":
		t.Skip("NO BROWSER, NOTHING IS TESTED HERE: install Debian's chromium")
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.chromium == nil && shared.err == nil {
		shared.chromium, shared.err = Start(path)
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.chromium
}

// Stop ends the browser of this process, if Shared has started one.
func Stop() {
	shared.Lock()
	defer shared.Unlock()
	if shared.chromium != nil {
		shared.chromium.Stop()
		shared.chromium = nil
	}
}

// Start starts a browser. It takes the certificates of any CA, as those of the tests'
// clusters are made for one run; and it runs without a sandbox, which root cannot have.
// It loads nothing but the pages under test.
func Start(path string) (*Chromium, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.IgnoreCertErrors,
		chromedp.Flag("lang", "en"),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("mute-audio", true),
	)
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeAll := chromedp.NewContext(allocator)
	c := &Chromium{ctx: ctx, stop: []context.CancelFunc{closeAll, free}}
	if err := chromedp.Do(ctx); err != nil {
		c.Stop()
		return nil, fmt.Errorf("%s does not start: %w", path, err)
	}
	c.axe = sync.OnceValues(c.readAxe)
	return c, nil
}

// Stop ends the browser and waits for it.
func (c *Chromium) Stop() {
	for _, stop := range c.stop {
		stop()
	}
}
