document.title = 'build';
