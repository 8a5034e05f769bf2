document.title = 'next';
