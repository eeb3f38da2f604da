package chart

import "strconv"

// Pair is how two options compare: For prefer the option of the row, Against that of the column.
type Pair struct {
	For, Against float64
	Label        string // such as "6,120"
}

// Pairs draws a matrix: each row compares its option with those of the columns, by their numbers. A square that is
// filled, and has a mark, is a comparison that the row wins. cells[i][i] is not looked at.
func Pairs(names []string, cells [][]Pair) Drawing {
	const side = 40.0
	width := side
	for i := range cells {
		for j := range cells[i] {
			if i != j {
				width = max(width, widthOfText(cells[i][j].Label)+34)
			}
		}
	}
	const nameRoom = 240.0
	var s svg
	y := margin
	for j := range names {
		s.text(margin+nameRoom+(float64(j)+0.5)*width, y+fontSize, "head", strconv.Itoa(j+1), "text-anchor", "middle", "font-weight", "700")
	}
	y += lineHeight + 4
	for i, name := range names {
		lines := wrapped(strconv.Itoa(i+1)+" "+name, nameRoom-8)
		height := max(side, float64(len(lines))*lineHeight)
		for l, line := range lines {
			s.text(margin, y+fontSize+4+float64(l)*lineHeight, "name", line)
		}
		for j := range names {
			x := margin + nameRoom + float64(j)*width
			if i == j || i >= len(cells) || j >= len(cells[i]) {
				s.rect(x+1, y+1, width-2, height-2, "none", track)
				continue
			}
			s.pair(cells[i][j], x, y, width, height)
		}
		y += height
	}
	return Drawing{margin*2 + nameRoom + width*float64(len(names)), y + margin, s.String()}
}

func (s *svg) pair(p Pair, x, y, width, height float64) {
	class, fill, colour, text := "lost", white, ink, p.Label
	switch {
	case p.For > p.Against:
		class, fill, colour, text = "won", blue, white, p.Label+" ✓"
	case p.For == p.Against:
		class, text = "even", p.Label+" ="
	}
	s.rect(x+1, y+1, width-2, height-2, class, fill, "stroke", grey)
	s.text(x+width/2, y+height/2+5, class, text, "text-anchor", "middle", "font-size", "14", "fill", colour)
}
