package main
import ("net/http";"net/http/httptest";"time";"fmt";"github.com/gin-gonic/gin")
func main() { r := gin.Default(); r.GET("/", func(c *gin.Context) { c.String(200, "ok") }); r.GET("/bad", func(c *gin.Context) { var m map[string]int; m["x"] = 1 }); r.GET("/err", func(c *gin.Context) { c.Error(fmt.Errorf("first")); c.Error(fmt.Errorf("second\nline")); c.Status(500) }); r.GET("/print", func(c *gin.Context) { fmt.Println("handling", c.Request.URL); c.Status(200) })
 for _, p := range []string{"/", "/bad", "/err", "/print", "/nothing"} { r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, p, nil)); time.Sleep(10*time.Millisecond) }
 fmt.Println("closing"); time.Sleep(10*time.Millisecond); panic(fmt.Errorf("last: %w", http.ErrServerClosed)) }
