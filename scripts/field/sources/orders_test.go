package main
import ("testing";"fmt")
func TestAdds(t *testing.T) { t.Log("adding") }
func TestTotal(t *testing.T) { t.Run("sub", func(t *testing.T) { t.Errorf("got %d\nwant %d", 1, 2) }); fmt.Println("printed") }
func TestDies(t *testing.T) { var p *int; fmt.Println(*p) }
