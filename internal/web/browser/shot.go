package browser

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var shots = flag.String("shots", "", "directory for screenshots of the pages, for people to look at")

// Shot keeps a picture of the whole page under a name in the directory -shots, at 320, 390
// and 1280 CSS pixels, light and dark. Without the flag it does nothing.
func (p *Tab) Shot(name string) {
	p.t.Helper()
	if *shots == "" {
		return
	}
	before := p.look
	defer p.Look(before)
	for _, look := range []Look{Small, Phone, Desk} {
		for _, dark := range []bool{false, true} {
			look.Dark, look.NoScript, look.Language, look.Text = dark, before.NoScript, before.Language, before.Text
			p.Look(look)
			p.shoot(name + "-" + look.Name + pick(dark, "-dark", "-light"))
		}
	}
}

// Picture keeps a picture of the page as it is now.
func (p *Tab) Picture(name string) {
	p.t.Helper()
	if *shots != "" {
		p.shoot(name)
	}
}

func (p *Tab) shoot(name string) {
	p.t.Helper()
	picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	keep(p.t, name+".png", picture)
}

// keep writes a file into the directory -shots, if it is given.
func keep(t testing.TB, name string, content []byte) {
	t.Helper()
	if *shots == "" {
		return
	}
	err := os.MkdirAll(*shots, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, name), content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// PDF returns the page as printed on A4.
func (p *Tab) PDF() []byte {
	p.t.Helper()
	pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4), chromedp.PDFPrintBackground()))
	if err != nil {
		p.t.Fatal(err)
	}
	return pdf
}
