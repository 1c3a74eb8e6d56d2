"""x"""
class Demo:
    def __init__(self, repository, once): self.passed=False; self.once=once
    async def run(self, endpoint): self.passed=True; return not self.once
