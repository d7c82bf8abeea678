return {file = "_time.lua"}
