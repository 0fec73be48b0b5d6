#include <iostream>
#include <stdexcept>
#include <thread>
#include <vector>
int main() { std::cout << "starting" << std::endl; std::cerr << "warning: low stock\n"; std::this_thread::sleep_for(std::chrono::milliseconds(20));
 try { try { std::vector<int>().at(3); } catch (...) { std::throw_with_nested(std::runtime_error("order 7\nfailed")); } } catch (std::exception& e) { std::cerr << "caught: " << e.what() << "\n"; try { std::rethrow_if_nested(e); } catch (std::exception& i) { std::cerr << "  because: " << i.what() << std::endl; } }
 std::cout << "matrix:\n 1 0\n 0 1\n" << std::flush; std::this_thread::sleep_for(std::chrono::milliseconds(20)); std::thread t([] { throw std::logic_error("in a thread"); }); t.join(); }
