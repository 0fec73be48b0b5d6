#include <map>
#include <string>
#include <vector>
template <typename T> int total(const T &t) { int s = 0; for (auto &x : t) s += x; return s; }
int main() { std::map<std::string, int> m; std::vector<std::string> v{"a"}; return total(m) + total(v); }
