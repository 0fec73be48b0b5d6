package main
import ("errors";"fmt";"log";"net/http";"net/http/httptest";"os";"runtime/debug";"time";"encoding/json")
type order struct { ID int; Lines []string; Next *order }
func main() {
	l := log.New(os.Stderr, "shop ", log.LstdFlags|log.Lmicroseconds|log.Lshortfile); log.SetFlags(log.LstdFlags)
	l.Println("up"); time.Sleep(20*time.Millisecond)
	log.Printf("order %+v", order{7, []string{"pen"}, nil}); b, _ := json.MarshalIndent(order{8, []string{"ink","pen"}, &order{ID: 9}}, "", "  "); log.Printf("as json:\n%s", b)
	fmt.Println("printed"); time.Sleep(20*time.Millisecond)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { if r.URL.Path == "/bad" { var m map[string]int; m["x"] = 1 }; if r.URL.Path == "/rec" { defer func() { if e := recover(); e != nil { l.Printf("recovered: %v\n%s", e, debug.Stack()); http.Error(w, "x", 500) } }(); panic(errors.New("boom")) }; w.WriteHeader(200); w.WriteHeader(500) }))
	for _, p := range []string{"/", "/bad", "/rec", "/"} { http.Get(s.URL + p); time.Sleep(10*time.Millisecond) }
	log.Print("two\nlines"); log.Print("next"); time.Sleep(20*time.Millisecond)
	err := fmt.Errorf("load: %w", fmt.Errorf("open /etc/shop: %w", os.ErrNotExist)); log.Println("failed:", err)
	debug.PrintStack()
	go func() { panic(fmt.Sprintf("late\n\tindented")) }(); time.Sleep(time.Second)
}
