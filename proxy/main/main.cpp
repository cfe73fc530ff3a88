// The pgmoat command.
int main() {
    return 0;
}
