package browser

import (
	"errors"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

// lighthouse is the bundle of Lighthouse that is part of Debian's chromium. It holds the
// source of axe-core as a literal.
const lighthouse = "devtools://devtools/bundled/third_party/lighthouse/lighthouse-dt-bundle.js"

// axeBegins is how that literal begins.
const axeBegins = "`/*! axe v"

// axeTags are the rules that are held: WCAG 2.2 up to level AA, and good habits.
const axeTags = "['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22a','wcag22aa','best-practice']"

// Violation is what axe-core found.
type Violation struct {
	Rule, Help string
	Where      []string // selectors
}

// String names the rule and the places.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s (%s)", v.Rule, v.Help, strings.Join(v.Where, ", "))
}

// readAxe reads axe-core's source from the browser itself.
func (c *Chromium) readAxe() (string, error) {
	ctx, end := chromedp.NewContext(c.ctx)
	defer end()
	if err := chromedp.Do(ctx, chromedp.Navigate(lighthouse)); err != nil {
		return "", fmt.Errorf("this browser's Lighthouse, which has axe-core in it, cannot be read: %w", err)
	}
	bundle, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.textContent"))
	if err != nil {
		return "", err
	}
	literal, err := templateLiteral(bundle, axeBegins)
	if err != nil {
		return "", err
	}
	source, err := chromedp.Run(ctx, chromedp.Evaluate[string](literal))
	if err != nil {
		return "", fmt.Errorf("the literal with axe-core is none: %w", err)
	}
	return source, nil
}

// templateLiteral cuts a template literal, backquotes included, out of a script.
func templateLiteral(script, begins string) (string, error) {
	at := strings.Index(script, begins)
	if at < 0 {
		return "", errors.New("this browser's Lighthouse has no axe-core in it; Debian has packaged it another way")
	}
	for i := at + 1; i < len(script); i++ {
		switch script[i] {
		case '\\':
			i++
		case '`':
			return script[at : i+1], nil
		}
	}
	return "", errors.New("the literal with axe-core does not end")
}

// Axe returns what axe-core finds on the page as it is now.
func (p *Tab) Axe() []Violation {
	p.t.Helper()
	if p.look.NoScript {
		p.t.Fatal("axe-core needs script: open the tab with it")
	}
	source, err := p.from.axe()
	if err != nil {
		p.t.Fatal(err)
	}
	if !Eval[bool](p, "typeof axe === 'object'") {
		Eval[bool](p, source+"; true")
	}
	return Eval[[]Violation](p, `axe.run(document, {runOnly: {type: 'tag', values: `+axeTags+`}, resultTypes: ['violations']}).then(r =>
		r.violations.map(v => ({Rule: v.id, Help: v.help, Where: v.nodes.map(n => n.target.join(' '))})))`)
}
